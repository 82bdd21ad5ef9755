import { Annotations } from 'aws-cdk-lib';
import type { ThrottleSettings } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';

/** Requests a second that all HTTP APIs of an account take together, in thirteen regions; in the others, 10000. */
const REGION_RATE_MIN = 2500;
const OVER_RATE = `throttleRate is over ${REGION_RATE_MIN}, which is all that some regions take: see docs/scale.md`;

/** How many requests the API takes, as the settings say. */
export function throttle(scope: Construct, settings: Settings): ThrottleSettings {
  if (settings.throttleRate > REGION_RATE_MIN)
    Annotations.of(scope).addWarningV2('modelstudio-jobs:rate', OVER_RATE);
  return { rateLimit: settings.throttleRate, burstLimit: settings.throttleBurst };
}
