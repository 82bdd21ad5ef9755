import { describe, expect, it, vi } from 'vitest';
import { createFunction, eventually } from './fixtures.ts';

describe('an invocation', () => {
  it('passes the event and the context, and returns the answer', async () => {
    const { target } = createFunction(`
      exports.handler = async (event, context) => ({
        event, name: context.functionName, arn: context.invokedFunctionArn, memory: context.memoryLimitInMB,
        id: context.awsRequestId, left: context.getRemainingTimeInMillis(),
      });`);
    const answer = (await target.invoke({ hello: 'wörld' })) as Record<string, unknown>;
    expect(answer).toMatchObject({
      event: { hello: 'wörld' },
      name: 'fixture',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:fixture',
      memory: '128',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(answer['left']).toBeGreaterThan(5_000);
    expect(answer['left']).toBeLessThanOrEqual(10_000);
  });

  it.each([
    ['CommonJS', 'index.js', `const { sep } = require('node:path'); exports.handler = async () =>`],
    ['an ES module', 'index.mjs', `import { sep } from 'node:path'; export const handler = async () =>`],
  ])('runs a bundle that is %s, and that imports', async (_name, file, source) => {
    const { target, lines } = createFunction(`${source} [sep, (await import('node:url')).URL.name];`, {
      file,
    });
    expect(await target.invoke({})).toEqual(['/', 'URL']);
    await target.close();
    expect(lines).toEqual([]);
  });

  it('returns null when the function returns nothing', async () => {
    const { target } = createFunction('exports.handler = async () => {};');
    expect(await target.invoke({})).toBeNull();
  });

  it('sees exactly the environment of the function', async () => {
    vi.stubEnv('FROM_THE_HOST', 'secret');
    const { target } = createFunction('exports.handler = async () => ({ ...process.env });', {
      environment: { GREETING: 'hello' },
    });
    expect(Object.keys((await target.invoke({})) as object).sort()).toEqual([
      ...['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'AWS_LAMBDA_FUNCTION_NAME', 'AWS_REGION', 'GREETING'],
      ...['LAMBDA_TASK_ROOT', '_HANDLER'],
    ]);
  });

  it('leaves its output line by line in the log', async () => {
    const { target, lines } = createFunction(
      `exports.handler = async () => { console.log('one\\ntwo'); console.error('three'); };`,
    );
    await target.invoke({});
    await eventually(() => expect(lines.sort()).toEqual(['one', 'three', 'two']));
  });

  it('fails with the error that the function throws', async () => {
    const { target, lines } = createFunction(
      `exports.handler = async () => { throw new RangeError('too far'); };`,
    );
    await expect(target.invoke({})).rejects.toMatchObject({ name: 'RangeError', message: 'too far' });
    expect(lines.join()).toContain('Invoke Error');
  });

  it('is refused when its event is too large', async () => {
    const { target } = createFunction('exports.handler = async () => 1;');
    await expect(target.invoke('x'.repeat(6 * 1024 * 1024))).rejects.toThrow('6291456 bytes');
    expect(target.environmentCount).toBe(0);
  });

  it('fails when its answer is too large', async () => {
    const { target } = createFunction(`exports.handler = async () => 'x'.repeat(6 * 1024 * 1024 + 200);`);
    await expect(target.invoke({})).rejects.toMatchObject({ name: 'Function.ResponseSizeTooLarge' });
  });
});

const COUNTING = `
  let running = 0;
  const id = require('node:worker_threads').threadId;
  exports.handler = async (event) => {
    running += 1;
    const simultaneous = running;
    await new Promise((resolve) => event === 'hang' ? setInterval(() => {}, 1000) : setTimeout(resolve, 10));
    running -= 1;
    return { id, simultaneous };
  };`;

describe('environments', () => {
  it('take one invocation at a time, and are kept warm', async () => {
    const { target } = createFunction(COUNTING, { maxConcurrency: 1 });
    const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => target.invoke({})));
    expect(first).toMatchObject({ simultaneous: 1 });
    expect(others).toEqual([first, first, first]);
    expect(target.environmentCount).toBe(1);
  });

  it('are as many as there are simultaneous invocations, up to the limit, above which they wait', async () => {
    const { target } = createFunction(COUNTING, { maxConcurrency: 3 });
    const outcomes = Promise.allSettled([1, 2, 3, 4, 5].map(() => target.invoke('hang')));
    await eventually(() => expect(target.busyCount).toBe(3));
    expect(target.environmentCount).toBe(3);
    expect(target.kill()).toBe(3);
    await eventually(() => expect(target.busyCount).toBe(2));
    expect(target.kill()).toBe(2);
    await outcomes;
    expect(target.environmentCount).toBe(0);
  });

  it('start before they are needed, once', async () => {
    const { target, lines } = createFunction(`console.log('init'); exports.handler = async () => 1;`);
    target.warm();
    target.warm();
    await eventually(() => expect(lines).toEqual(['init']));
    await target.invoke({});
    expect(target.environmentCount).toBe(1);
  });
});

const FAILING = `
  let count = 0;
  exports.handler = async (event) => {
    count += 1;
    if (event === 'hang') await new Promise(() => setInterval(() => {}, 1000));
    if (event === 'spin') for (;;);
    if (event === 'exit') process.exit(3);
    if (event === 'uncaught') { setTimeout(() => { throw new Error('out of the blue'); }); await new Promise(() => {}); }
    if (event === 'rejection') { Promise.reject(new Error('unhandled')); await new Promise(() => {}); }
    return count;
  };`;

describe('a failure ends the environment, and the next invocation gets a fresh one', () => {
  it.each([
    ['hang', 'Sandbox.Timedout', /RequestId: [0-9a-f-]{36} Error: Task timed out after 0\.50 seconds/],
    ['spin', 'Sandbox.Timedout', /Task timed out after 0\.50 seconds/],
    ['exit', 'Runtime.ExitError', /Runtime exited with error: exit status 3/],
    ['uncaught', 'Runtime.ExitError', /out of the blue/],
    ['rejection', 'Runtime.ExitError', /unhandled/],
  ])('%s', async (event, name, message) => {
    const { target, lines } = createFunction(FAILING, { timeoutSeconds: 0.5 });
    expect(await target.invoke('fine')).toBe(1);
    await expect(target.invoke(event)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message),
    });
    expect(lines.join('\n')).toMatch(message);
    expect(await target.invoke('fine')).toBe(1);
  });

  it('when it is killed', async () => {
    const { target } = createFunction(FAILING);
    const failed = expect(target.invoke('hang')).rejects.toThrow('signal: killed');
    await eventually(() => expect(target.busyCount).toBe(1));
    expect(target.kill()).toBe(1);
    await failed;
    expect(target.kill()).toBe(0);
    expect(await target.invoke('fine')).toBe(1);
  });

  it.each([
    ['throws', `throw new Error('no start');`, 'no start'],
    ['exports no handler', 'exports.other = 1;', 'index.handler is undefined or not exported'],
    ['cannot be parsed', 'const const', 'Unexpected token'],
    ['exits', 'process.exit(1)', 'exit status 1'],
  ])('when the bundle %s', async (_name, source, message) => {
    const { target } = createFunction(source);
    await expect(Promise.allSettled([target.invoke({}), target.invoke({})])).resolves.toEqual([
      { status: 'rejected', reason: expect.objectContaining({ message: expect.stringContaining(message) }) },
      { status: 'rejected', reason: expect.objectContaining({ message: expect.stringContaining(message) }) },
    ]);
  });
});

describe('killing an environment', () => {
  it('never kills the process, even while the function uses zlib streams', async () => {
    const { target } = createFunction(`
      const { deflateRawSync } = require('node:zlib');
      exports.handler = async () => {
        for (;;) {
          for (let i = 0; i < 100; i += 1) deflateRawSync('x');
          await new Promise(setImmediate);
        }
      };`);
    for (let kills = 0; kills < 30; kills += 1) {
      const outcome = target.invoke({}).catch(String);
      await eventually(() => expect(target.kill()).toBe(1));
      expect(await outcome).toContain('signal: killed');
    }
    await target.close();
  });
});

describe('closing the service', () => {
  it('ends every invocation at once, even one that never yields', async () => {
    const { target } = createFunction(FAILING, { maxConcurrency: 2 });
    const outcomes = Promise.allSettled(['hang', 'spin', 'fine'].map((event) => target.invoke(event)));
    await eventually(() => expect(target.busyCount).toBe(2));
    const startedAt = performance.now();
    await target.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(target.invoke('fine')).rejects.toThrow('closed');
  });
});
