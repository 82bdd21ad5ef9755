import type { Call, Need } from './call.ts';
import { judge, type Statement } from './policy.ts';
import type { Refusal } from './refusal.ts';

/** A function that has taken on its role. */
export interface Session {
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
  roleArn: string;
  /** As AWS names it in its refusals. */
  userArn: string;
  /** What the role and the resources say about it. */
  statements: Statement[];
}

/** By the id of the access key; a caller with any other one is an administrator. */
export type Sessions = ReadonlyMap<string, Session>;

/** What AWS answers to a caller that may not make this call, whatever is in it. */
export function authorityRefusal(call: Call, sessions: Sessions, nowMillis: number): Refusal | undefined {
  return credentialsRefusal(call, nowMillis) ?? permissionRefusal(call, sessions.get(call.accessKeyId ?? ''));
}

function credentialsRefusal(call: Call, nowMillis: number): Refusal | undefined {
  const { service, query, authorization, accessKeyId } = call;
  if (service !== 's3') {
    const message = 'Request is missing Authentication Token';
    return accessKeyId === null ? { code: 'MissingAuthenticationTokenException', message } : undefined;
  }
  if (authorization !== undefined && query.has('X-Amz-Algorithm')) {
    return {
      code: 'InvalidArgument',
      message:
        'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
      details: { ArgumentName: 'Authorization', ArgumentValue: authorization },
    };
  }
  if (accessKeyId === null) return { code: 'AccessDenied', status: 403, message: 'Access Denied' };
  const isExpired = query.has('X-Amz-Expires') && endOf(query) < nowMillis;
  return isExpired ? { code: 'AccessDenied', status: 403, message: 'Request has expired' } : undefined;
}

/** When a link ends, which says `20260131T235959Z` of its beginning. */
function endOf(query: URLSearchParams): number {
  const digits = query.get('X-Amz-Date')?.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5') ?? '';
  return Date.parse(digits) + Number(query.get('X-Amz-Expires')) * 1000;
}

function permissionRefusal({ needs }: Call, session: Session | undefined): Refusal | undefined {
  const [refusal] = session ? needs.flatMap((need) => needRefusal(need, session) ?? []) : [];
  return refusal;
}

export function needRefusal(need: Need, session: Session): Refusal | undefined {
  const { action, resource, context } = need;
  const { roleArn: principal, statements } = session;
  const given = { 'aws:PrincipalArn': principal, 'aws:SecureTransport': 'true', ...context };
  const verdict = judge(statements, { principal, action, resource, context: given });
  if (verdict === 'allowed') return undefined;
  const reason =
    verdict === 'denied'
      ? 'with an explicit deny'
      : `because no identity-based policy allows the ${action} action`;
  const message = `User: ${session.userArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
  return { code: 'AccessDenied', status: 403, message };
}

/** S3 does not tell a caller that may not list a bucket that an object does not exist. */
export function absenceRefusal(
  { accessKeyId, needs: [need] }: Call,
  sessions: Sessions,
): Refusal | undefined {
  const session = sessions.get(accessKeyId ?? '');
  if (!session || need?.action !== 's3:GetObject') return undefined;
  const [bucketArn = ''] = need.resource.split('/');
  const mayList = needRefusal({ action: 's3:ListBucket', resource: bucketArn }, session) === undefined;
  return mayList ? undefined : { code: 'AccessDenied', status: 403, message: 'Access Denied' };
}

/** The condition keys that a call has a value for, where it has one in AWS, too. */
export const CONTEXT_KEYS = ['aws:PrincipalArn', 'aws:SecureTransport', 's3:prefix'];
