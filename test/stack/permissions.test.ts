import { expect, it } from 'vitest';
import { anchorOf, type Fn, variablesOf, Wiring } from '../../lib/rules/wiring.ts';
import { judge } from './synthesis.ts';

/** By action, the constructs that it is allowed on. */
type Permissions = Map<string, string[]>;

function permissionsOf(fn: Fn, wiring: Wiring): Permissions {
  const permissions: Permissions = new Map();
  for (const { actions, arns } of wiring.permissionsOf(fn)) {
    const named = arns.map((arn) => nameOf(arn, wiring));
    for (const action of actions) {
      permissions.set(action, [...(permissions.get(action) ?? []), ...named].sort());
    }
  }
  return permissions;
}

/** `State/Bucket/*` for `{Join: ['', [{GetAtt}, '/*']]}`; `…:secret:a/*` for what is not in the stack. */
function nameOf(arn: unknown, wiring: Wiring): string {
  const path = wiring.behind({ Ref: anchorOf(arn) })?.path;
  const parts = (arn as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join']?.[1] ?? [];
  if (path === undefined) return `…${parts.at(-1) ?? JSON.stringify(arn)}`;
  return `${path}${parts.slice(1).join('')}`;
}

function everyPermission(settings = {}): [fn: string, permissions: Permissions][] {
  return judge({ organizationId: 'org_test', ...settings }, (jobs) => {
    const wiring = new Wiring(jobs);
    return wiring.functions
      .map((fn): [string, Permissions] => [fn.path, permissionsOf(fn, wiring)])
      .sort(([a], [b]) => a.localeCompare(b));
  });
}

it('each function may do what the golden file says, which `npx vitest run test/stack -u` writes', async () => {
  const paragraphs = everyPermission().map(([fn, permissions]) => {
    const lines = [...permissions].map(([action, paths]) => `  ${action.padEnd(30)} ${paths.join(', ')}`);
    return `${[fn, ...lines.sort()].join('\n')}\n`;
  });
  await expect(paragraphs.join('\n')).toMatchFileSnapshot('permissions.golden.txt');
});

it.each([
  ['State/ModelStudioApiKey', ['Api/Submit', 'Create/Function', 'Poll/Collector', 'Poll/Poller']],
  ['State/WebhookSecret', ['Deliver/Function']],
  ['…:secret:ModelStudioJobs/webhook-headers/*', ['Deliver/Function']],
])('the secret %s may be read by %j alone', (secret, readers) => {
  const allowed = everyPermission().filter(([, permissions]) =>
    permissions.get('secretsmanager:GetSecretValue')?.includes(secret),
  );
  expect(allowed.map(([path]) => path)).toEqual(readers);
});

it('the requests of queued jobs may be read by the function alone that gives them to ModelStudio', () => {
  const allowed = everyPermission().filter(([, permissions]) =>
    permissions.get('s3:GetObject')?.some((path) => /\/requests\/\*$/.test(path)),
  );
  expect(allowed).toHaveLength(1);
  const [[path, permissions] = ['', new Map()]] = allowed;
  expect([path, permissions.get('s3:GetObject')]).toEqual(['Create/Function', ['State/Bucket/requests/*']]);
});

it('with a bound on the jobs at once, submit may also look for a free place, and nothing else is permitted', () => {
  const [unbounded, bounded] = [{}, { jobsAtOnce: 3 }].map((settings) => new Map(everyPermission(settings)));
  unbounded?.get('Api/Submit')?.set('dynamodb:Query', ['State/Jobs/index/queue']);
  expect(bounded).toEqual(unbounded);
});

it.each([
  [{}, undefined],
  [{ jobsAtOnce: 20 }, '20'],
  [{ baseUrl: 'https://studio.ionos.de' }, '3'],
])('with %j, all functions know the bound %s', (settings, bound) => {
  judge({ organizationId: 'org_test', ...settings }, (jobs) => {
    const { functions } = new Wiring(jobs);
    const unlike = functions.filter((fn) => new Map(variablesOf(fn)).get('JOBS_AT_ONCE') !== bound);
    expect(unlike.map(({ path }) => path)).toEqual([]);
  });
});

it('destinations may be sent to by deliver alone, by their very ARNs, and without any nothing more is allowed', () => {
  const arns = ['sqs:a', 'sqs:b.fifo', 'events:event-bus/jobs'].map(
    (name) => `arn:aws:${name.replace(':', ':eu-central-1:123456789012:')}`,
  );
  const destinations = arns.map((arn, index) => ({ name: `d${index}`, arn }));
  const before = everyPermission();
  const [queue, fifo, bus] = arns.map((arn) => `…${JSON.stringify(arn)}`) as [string, string, string];
  const expected = before.map(([fn, permissions]) => {
    if (fn !== 'Deliver/Function') return [fn, permissions];
    const sent = [...(permissions.get('sqs:SendMessage') ?? []), queue, fifo].sort();
    const more: [string, string[]][] = [
      ['sqs:SendMessage', sent],
      ['events:PutEvents', [bus]],
      ['events:DescribeEventBus', [bus]],
    ];
    return [fn, new Map([...permissions, ...more])];
  });
  expect(everyPermission({ destinations })).toEqual(expected);
});
