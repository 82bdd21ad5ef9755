import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { publicLine, startSystem } from '../../../tools/local/system.ts';
import { describeWith } from '../../needs.ts';
import { run } from '../../run.ts';
import { runtimeOf } from '../snippets/runtimes.ts';
import { raise } from './storm.ts';

/** `npm run test:more` waits for it: it takes minutes, which kills and outages do. */
const isAsked = process.env['CLIENT_STORM'] === 'yes';
const JOBS = 300;
const KILLS = 40;
const PATIENCE_MS = 15 * 60_000;
const SEED = Number(process.env['CLIENT_STORM_SEED'] ?? Date.now() % 1e9);

type Outcome = [place: number, jobId: string, failure: string | null, result: string | null];

const python = fileURLToPath(new URL('../../clients/python/storm.py', import.meta.url));

await describeWith(...runtimeOf('python').needs, 'the Python client', () => {
  it.runIf(isAsked)(
    `${JOBS} jobs posted by threads are ${JOBS} jobs under all faults and ${KILLS} kills`,
    { timeout: PATIENCE_MS },
    async () => {
      vi.stubEnv('WEBHOOK_RETRY_SCHEDULE_SECONDS', `0${',2'.repeat(45)}`);
      const flags = { json: true, once: false, help: false, port: 0, strictWebhooks: false };
      const system = await startSystem(flags, () => undefined);
      vi.unstubAllEnvs();
      onTestFinished(() => system.close());
      const storm = raise(system, SEED, KILLS);
      const program = process.env['PYTHON'] ?? 'python3';
      const ran = await run(program, [python, String(JOBS)], {}, JSON.stringify(publicLine(system)));
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      const { jobs, listed, repeats, version } = JSON.parse(ran.stdout);
      await storm.ended;

      const ids = (jobs as Outcome[]).map(([, id]) => id);
      expect([ids.length, new Set(ids).size]).toEqual([JOBS, JOBS]);
      expect(listed.toSorted(), 'no other job was made').toEqual(ids.toSorted());
      const failed = (jobs as Outcome[]).filter(([, , failure]) => failure !== null);
      // Of a submitter that is killed in the middle of its call nobody knows whether it was created, so it is not repeated.
      expect(failed.filter(([, , failure]) => failure !== 'submission_unknown')).toEqual([]);
      for (const [place, , failure, result] of jobs as Outcome[])
        if (failure === null) expect(result).toContain(`"job${place}"`);
      process.stdout.write(
        `Python ${version}: ${JOBS} jobs, ${storm.kills} kills, ${repeats} repeats: ` +
          `${JOBS - failed.length} completed, ${failed.length} unknown. Log: ${storm.log}\n`,
      );
    },
  );
});
