import { CfnOutput } from 'aws-cdk-lib';
import { ApiMapping, DomainName, type HttpStage, SecurityPolicy } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';

/**
 * Gives the API custom domain names, and outputs where their DNS must point. Each is identified by its name, not its
 * place, so that the names may change places while all of them answer.
 */
export function addDomainNames(
  { scope, outputs }: { scope: Construct; outputs: Construct },
  stage: HttpStage,
  settings: Settings,
): void {
  const { domainName: names, certificateArn: arns } = settings;
  for (const [i, name] of names.entries()) {
    const certificateArn = (arns[i] ?? arns[0]) as string;
    const domainName = new DomainName(scope, `Domain-${name}`, {
      domainName: name,
      certificate: Certificate.fromCertificateArn(scope, `Certificate-${name}`, certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new ApiMapping(scope, `Mapping-${name}`, { api: stage.api, stage, domainName });
    const values = {
      DomainName: name,
      DomainTarget: domainName.regionalDomainName,
      DomainTargetZoneId: domainName.regionalHostedZoneId,
    };
    const description = `${name} must point at its DomainTarget, by CNAME or alias`;
    for (const [key, value] of Object.entries(values)) {
      new CfnOutput(outputs, `${key}${i === 0 ? '' : i + 1}`, { description, value });
    }
  }
}
