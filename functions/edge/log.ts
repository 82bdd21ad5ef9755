import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Log } from '../ports.ts';

export const logger = new Logger({ serviceName: 'modelstudio-jobs' });

const metrics = new Metrics({ namespace: 'ModelStudioJobs', serviceName: 'modelstudio-jobs' });

export const log: Log = {
  tell: (stage, facts) => logger.info(stage, { ...facts }),
  count(what) {
    metrics.addMetric(what, MetricUnit.Count, 1);
    metrics.publishStoredMetrics();
  },
};
