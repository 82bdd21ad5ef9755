import { HttpApi, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';
import { accessLog } from './access-log.ts';
import { addDomainNames } from './domain-names.ts';
import { throttle } from './throttle.ts';

/** The addresses of the API: throttled, logged and, if the settings say so, with custom domain names. */
export class Gateway extends Construct {
  readonly httpApi: HttpApi;
  /** The address that the stack outputs and links use. */
  readonly url: string;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    const { domainName: names, defaultEndpoint } = settings;
    this.httpApi = new HttpApi(this, 'HttpApi', {
      description: 'ModelStudio jobs',
      createDefaultStage: false,
      ...(defaultEndpoint === 'off' && { disableExecuteApiEndpoint: true }),
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.httpApi,
      stageName: '$default',
      autoDeploy: true,
      throttle: throttle(this, settings),
      accessLogSettings: accessLog(this, 'AccessLogs', settings),
    });
    addDomainNames(this, stage, settings);
    this.url =
      names.length === 0 || defaultEndpoint === 'first' ? this.httpApi.apiEndpoint : `https://${names[0]}`;
  }
}
