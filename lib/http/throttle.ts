import { Annotations } from 'aws-cdk-lib';
import type { ThrottleSettings } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';

/** Requests per second that all HTTP APIs of an account accept together in thirteen regions; elsewhere, 10000. */
const REGION_RATE_MIN = 2500;
const OVER_RATE = `throttleRate is over ${REGION_RATE_MIN}, which is all that some regions take: see docs/scale.md`;

/** Limits the requests that the API accepts, as the settings say. */
export function throttle(scope: Construct, settings: Settings): ThrottleSettings {
  if (settings.throttleRate > REGION_RATE_MIN)
    Annotations.of(scope).addWarningV2('modelstudio-jobs:rate', OVER_RATE);
  return { rateLimit: settings.throttleRate, burstLimit: settings.throttleBurst };
}
