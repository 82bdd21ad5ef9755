import type { Target } from '../target.ts';
import { type CheckResult, failed, ok, skipped } from './result.ts';

const ANSWER_DEADLINE_MILLIS = 10_000;

/** Whether each domain name leads to the API, even if `ApiUrl` has another. */
export async function domains({ outputs }: Target): Promise<CheckResult> {
  const all = namesIn(outputs);
  if (all.length === 0) return skipped('the API has no name of your own');
  const answers = await Promise.all(all.map(({ name }) => isAnswering(name)));
  const silent = all.filter((_, i) => !answers[i]);
  if (silent.length === 0) return ok(all.map(({ name }) => name).join(', '));
  return failed(
    `${silent.map(({ name }) => name).join(', ')} does not lead to the API`,
    silent.map(({ name, target }) => `Point ${name} at ${target}, by CNAME or alias.`).join(' '),
  );
}

/** The outputs are `DomainName` and `DomainTarget`, then `DomainName2` and so on. */
function namesIn(outputs: Record<string, string>): { name: string; target: string }[] {
  return Object.entries(outputs).flatMap(([key, name]) => {
    const [, number] = /^DomainName(\d*)$/.exec(key) ?? [];
    return number === undefined ? [] : [{ name, target: outputs[`DomainTarget${number}`] ?? '' }];
  });
}

async function isAnswering(name: string): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_DEADLINE_MILLIS);
  const answer = await fetch(`https://${name}/v1/health`, { signal }).catch(() => null);
  return answer?.status === 200;
}
