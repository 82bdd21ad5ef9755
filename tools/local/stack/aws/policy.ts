type OneOrMany<T> = T | readonly T[];

/** A statement of a policy, with every expression of the template resolved. */
export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action?: OneOrMany<string>;
  NotAction?: OneOrMany<string>;
  Resource?: OneOrMany<string>;
  NotResource?: OneOrMany<string>;
  /** Of a resource's policy: whom it is about. */
  Principal?: '*' | Record<string, OneOrMany<string>>;
  Condition?: Record<string, Record<string, OneOrMany<string | boolean>>>;
}

export interface Ask {
  /** The ARN of the role. */
  principal: string;
  action: string;
  resource: string;
  /** Condition keys and their values. */
  context: Record<string, string>;
}

export type Verdict = 'allowed' | 'denied' | 'not allowed';

/** Within one account the caller's policies count as much as the resource's: one Allow is enough, and any Deny wins. */
export function judge(statements: readonly Statement[], ask: Ask): Verdict {
  const applying = statements.filter((statement) => applies(statement, ask));
  if (applying.some(({ Effect }) => Effect === 'Deny')) return 'denied';
  return applying.length > 0 ? 'allowed' : 'not allowed';
}

/** Whether a function of this account could be meant. */
export function isAboutRoles({ Principal }: Statement): boolean {
  return Principal === undefined || Principal === '*' || Principal['AWS'] !== undefined;
}

/** Operators and keys of conditions that cannot be judged here. */
export function unknownConditions({ Condition = {} }: Statement, knownKeys: readonly string[]): string[] {
  const keys = Object.values(Condition).flatMap(Object.keys);
  return [
    ...Object.keys(Condition).filter((operator) => !CONDITION.test(operator)),
    ...keys.filter((key) => !knownKeys.includes(key)),
  ];
}

function applies(statement: Statement, { principal, action, resource, context }: Ask): boolean {
  const { Action, NotAction, Resource, NotResource, Principal, Condition = {} } = statement;
  const lowerCase = (patterns?: OneOrMany<string>) => listOf(patterns).map((each) => each.toLowerCase());
  const isAction = Action
    ? matchesAny(lowerCase(Action), action.toLowerCase())
    : !matchesAny(lowerCase(NotAction), action.toLowerCase());
  // A role's trust policy has no resource; every other statement names some.
  const isResource = Resource
    ? matchesAny(listOf(Resource), resource)
    : !matchesAny(listOf(NotResource), resource);
  const principals = typeof Principal === 'object' ? listOf(Principal['AWS']) : ['*'];
  const isPrincipal = principals.includes('*') || principals.includes(principal);
  return isAction && isResource && isPrincipal && holds(Condition, context);
}

const CONDITION = /^(String|Arn|Bool)(Not)?(Equals|Like)?(IfExists)?$/;

function holds(condition: NonNullable<Statement['Condition']>, context: Record<string, string>): boolean {
  return Object.entries(condition).every(([operator, keys]) => {
    const [, type, isNegated, comparison, ifExists] = CONDITION.exec(operator) ?? [];
    const isLiteral = type === 'String' && comparison === 'Equals';
    return Object.entries(keys).every(([key, expected]) => {
      const value = context[key];
      if (value === undefined) return isNegated !== undefined || ifExists !== undefined;
      const values = listOf(expected).map(String);
      const isOneOf = isLiteral ? values.includes(value) : matchesAny(values, value);
      return isOneOf !== (isNegated !== undefined);
    });
  });
}

function matchesAny(patterns: readonly string[], value: string): boolean {
  return patterns.some((pattern) => {
    const source = pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${source}$`, 's').test(value);
  });
}

function listOf<T>(values: OneOrMany<T> | undefined): readonly T[] {
  return values === undefined ? [] : ([values].flat() as T[]);
}
