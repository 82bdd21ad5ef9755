/** What an expression may refer to; every function answers undefined for a name that it does not know. */
export interface Scope {
  ref(logicalId: string): unknown;
  attribute(logicalId: string, name: string): unknown;
  condition(name: string): unknown;
  mapping(map: string, key: string, name: string): unknown;
}

const NO_VALUE = Symbol('AWS::NoValue');

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

const INTRINSICS: Record<string, Intrinsic> = {
  Ref: (name, scope) => (name === 'AWS::NoValue' ? NO_VALUE : known(scope.ref(String(name)), `Ref ${name}`)),
  Condition: (name, scope) => isTrue(name, scope),
  'Fn::GetAtt': (argument, scope) => {
    const [logicalId, ...attribute] =
      typeof argument === 'string' ? argument.split('.') : list(argument, scope);
    return attributeOf(String(logicalId), attribute.join('.'), scope);
  },
  'Fn::Join': (argument, scope) => {
    const [separator, parts] = list(argument, scope);
    return list(parts, scope).map(String).join(String(separator));
  },
  'Fn::Split': (argument, scope) => {
    const [separator, text] = list(argument, scope);
    return String(text).split(String(separator));
  },
  'Fn::Select': (argument, scope) => {
    const [index, values] = list(argument, scope);
    return known(list(values, scope)[Number(index)], `Fn::Select ${index}`);
  },
  'Fn::Sub': (argument, scope) =>
    typeof argument === 'string'
      ? substitute(argument, {}, scope)
      : substitute(...(list(argument, scope) as [string, Record<string, unknown>]), scope),
  'Fn::If': (argument, scope) => {
    const [condition, whenTrue, whenFalse] = argument as unknown[];
    return evaluate(isTrue(condition, scope) ? whenTrue : whenFalse, scope);
  },
  'Fn::Equals': (argument, scope) => {
    const [left, right] = list(argument, scope);
    return String(left) === String(right);
  },
  'Fn::And': (argument, scope) => list(argument, scope).every(Boolean),
  'Fn::Or': (argument, scope) => list(argument, scope).some(Boolean),
  'Fn::Not': (argument, scope) => !list(argument, scope)[0],
  'Fn::Base64': (argument, scope) => Buffer.from(String(evaluate(argument, scope))).toString('base64'),
  'Fn::FindInMap': (argument, scope) => {
    const [map, key, name] = list(argument, scope).map(String) as [string, string, string];
    return known(scope.mapping(map, key, name), `Fn::FindInMap ${map}.${key}.${name}`);
  },
};

export function resolveExpression(expression: unknown, scope: Scope): unknown {
  const value = evaluate(expression, scope);
  return value === NO_VALUE ? undefined : value;
}

export function isTrue(condition: unknown, scope: Scope): boolean {
  if (typeof condition !== 'string') return evaluate(condition, scope) === true;
  return evaluate(known(scope.condition(condition), `Condition ${condition}`), scope) === true;
}

function evaluate(expression: unknown, scope: Scope): unknown {
  if (typeof expression === 'string') return refuseDynamicReference(expression);
  if (Array.isArray(expression)) return list(expression, scope);
  if (typeof expression !== 'object' || expression === null) return expression;
  const entries = Object.entries(expression);
  const [name, argument] = entries[0] ?? [''];
  if (entries.length === 1 && Object.hasOwn(INTRINSICS, name)) {
    const value = INTRINSICS[name]?.(argument, scope);
    return typeof value === 'string' ? refuseDynamicReference(value) : value;
  }
  if (entries.length === 1 && name.startsWith('Fn::')) {
    throw new Error(`the intrinsic ${name} is not supported by the local stack`);
  }
  return Object.fromEntries(
    entries
      .map(([key, value]) => [key, evaluate(value, scope)] as const)
      .filter(([, value]) => value !== NO_VALUE),
  );
}

function list(values: unknown, scope: Scope): unknown[] {
  if (!Array.isArray(values)) return list([evaluate(values, scope)].flat(), scope);
  return values.map((value) => evaluate(value, scope)).filter((value) => value !== NO_VALUE);
}

function substitute(text: string, variables: Record<string, unknown>, scope: Scope): string {
  return text.replaceAll(/\$\{(!?)([^}]+)\}/g, (_match, escaped: string, name: string) => {
    if (escaped) return `\${${name}}`;
    if (Object.hasOwn(variables, name)) return String(variables[name]);
    const [logicalId = '', ...attribute] = name.split('.');
    const value = attribute.length > 0 ? attributeOf(logicalId, attribute.join('.'), scope) : scope.ref(name);
    return String(known(value, `Fn::Sub \${${name}}`));
  });
}

function attributeOf(logicalId: string, attribute: string, scope: Scope): unknown {
  return known(scope.attribute(logicalId, attribute), `Fn::GetAtt ${logicalId}.${attribute}`);
}

function known(value: unknown, what: string): unknown {
  if (value === undefined) throw new Error(`${what} has no value in the local stack`);
  return value;
}

function refuseDynamicReference(text: string): string {
  if (!text.includes('{{resolve:')) return text;
  throw new Error(`the dynamic reference ${text} is not supported by the local stack`);
}
