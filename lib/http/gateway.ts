import { Annotations } from 'aws-cdk-lib';
import { HttpApi, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';
import { accessLog } from './access-log.ts';
import { addDomainNames } from './domain-names.ts';

/** Requests per second that all HTTP APIs of an account accept together in thirteen regions; elsewhere, 10000. */
const REGION_RATE_MIN = 2500;
const OVER_RATE = `throttleRate is over ${REGION_RATE_MIN}, which is all that some regions take: see docs/scale.md`;

/** The addresses of the API: throttled, logged and, if the settings say so, with custom domain names. */
export class Gateway extends Construct {
  readonly httpApi: HttpApi;
  /** The address that the stack outputs and links use. */
  readonly url: string;

  constructor(scope: Construct, id: string, { settings, name }: { settings: Settings; name: string }) {
    super(scope, id);
    const { domainName: names, defaultEndpoint, throttleRate, throttleBurst } = settings;
    this.httpApi = new HttpApi(this, 'HttpApi', {
      description: 'ModelStudio jobs',
      createDefaultStage: false,
      ...(defaultEndpoint === 'off' && { disableExecuteApiEndpoint: true }),
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.httpApi,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: throttleRate, burstLimit: throttleBurst },
      accessLogSettings: accessLog(this, 'AccessLogs', { settings, name }),
    });
    addDomainNames({ scope: this, outputs: scope }, stage, settings);
    this.url =
      names.length === 0 || defaultEndpoint === 'first' ? this.httpApi.apiEndpoint : `https://${names[0]}`;
    if (throttleRate > REGION_RATE_MIN) Annotations.of(this).addWarningV2('modelstudio-jobs:rate', OVER_RATE);
  }
}
