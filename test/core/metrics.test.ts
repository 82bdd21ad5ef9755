import { describe, expect, it } from 'vitest';
import { METRICS, type MetricName, unitOf, upstreamMetrics } from '../../functions/core/metrics.ts';

describe('a metric', () => {
  it('has a name of its own', () => expect(new Set(METRICS).size).toBe(METRICS.length));

  it('has the unit that its name says', () => {
    expect(unitOf('JobSeconds')).toBe('Seconds');
    expect(unitOf('JobsCreated')).toBe('Count');
  });
});

describe('a call to ModelStudio that went wrong', () => {
  const cases: [cause: string, metric: MetricName][] = [
    ['timeout', 'UpstreamTimeouts'],
    ['cut', 'UpstreamConnectionResets'],
    ['not_connected', 'UpstreamConnectionFailures'],
    ['unauthorized', 'UpstreamUnauthorized'],
    ['credentials_refused', 'UpstreamUnauthorized'],
    ['refused', 'UpstreamRefusals'],
    ['unavailable', 'UpstreamUnavailable'],
    ['server_error', 'UpstreamServerErrors'],
    ['status_500', 'UpstreamServerErrors'],
    ['status_504', 'UpstreamServerErrors'],
    ['status_404', 'UpstreamInvalidResponses'],
    ['invalid_response', 'UpstreamInvalidResponses'],
    ['of a kind that is new', 'UpstreamInvalidResponses'],
  ];
  it.each(cases)('counts for the cause %s as one of the %s', (cause, metric) => {
    expect(upstreamMetrics(cause)).toEqual({ [metric]: 1 });
  });
});
