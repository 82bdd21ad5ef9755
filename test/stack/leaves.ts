// biome-ignore lint/suspicious/noExplicitAny: CloudFormation's values have no types
type Value = any;

/** What a template says of each resource, by type and id. */
export type Leaves = Record<string, Record<string, string[]>>;

/** All of a template but for the functions' code, and what has a golden file of its own. */
export function leavesIn({ Resources, Outputs }: Value, elsewhere: string[]): Leaves {
  const leaves: Leaves = {};
  for (const [id, resource] of Object.entries<Value>(Resources)) {
    const { Type, Properties, DeletionPolicy, UpdateReplacePolicy } = resource;
    if (elsewhere.includes(Type)) continue;
    const { Code, ...properties } = Properties;
    const kept = {
      ...(DeletionPolicy && { DeletionPolicy }),
      ...(UpdateReplacePolicy && { UpdateReplacePolicy }),
    };
    leaves[Type] = { ...leaves[Type], [named(id)]: leavesOf({ ...properties, ...kept }) };
  }
  const outputs = Object.entries<Value>(Outputs).map(([name, { Value }]) => [name, leavesOf({ Value })]);
  return { ...leaves, outputs: Object.fromEntries(outputs) };
}

/** How other leaves differ from those of the first template; what they lack is only named. */
export function differences(first: Leaves, other: Leaves): Leaves {
  const differing: Leaves = {};
  for (const type of union(first, other)) {
    for (const id of union(first[type], other[type])) {
      const lines = differencesOf(first[type]?.[id] ?? [], other[type]?.[id]);
      if (lines.length > 0) differing[type] = { ...differing[type], [id]: lines };
    }
  }
  return differing;
}

function differencesOf(before: string[], after: string[] | undefined): string[] {
  if (after === undefined) return ['is gone'];
  const paths = after.map(pathOf);
  const gone = before.map(pathOf).filter((path) => !paths.includes(path));
  return [...after.filter((line) => !before.includes(line)), ...gone.map((path) => `${path} is gone`)];
}

const union = (a = {}, b = {}) => Object.keys({ ...a, ...b });
const pathOf = (leaf: string) => leaf.split(': ')[0];

/** What all resources of a type have in common stands below the type; below each, what it has besides. */
export function paragraphsOf(leaves: Leaves): string {
  const paragraphs = Object.entries(leaves).flatMap(([type, byId]) => {
    const all = Object.values(byId);
    const [first = []] = all;
    const common = all.length === 1 ? [] : first.filter((line) => all.every((lines) => lines.includes(line)));
    const each = Object.entries(byId).map(([id, lines]) => [
      id,
      ...lines.filter((line) => !common.includes(line)),
    ]);
    return [[`== ${type}`, ...common], ...each];
  });
  return paragraphs
    .map(([head, ...lines]) => [head, ...lines.map((line) => `  ${line}`), ''].join('\n'))
    .join('\n');
}

/** Each value inside of another, by where it is: `Environment.Variables.BUCKET: <StateBucket>`. */
function leavesOf(value: Value, path: string[] = []): string[] {
  const isLeaf = typeof value !== 'object' || Object.keys(value).length === 0 || isExpression(value);
  if (isLeaf) return [`${path.join('.')}: ${textOf(value)}`];
  return Object.entries(value).flatMap(([key, each]) => leavesOf(each, [...path, key]));
}

function isExpression(value: object): boolean {
  return Object.keys(value).some((key) => key === 'Ref' || key.startsWith('Fn::'));
}

/** What an expression refers to is in angle brackets. */
export function textOf(value: Value): string {
  if (value?.Ref) return `<${named(value.Ref)}>`;
  if (value?.['Fn::GetAtt']) return `<${value['Fn::GetAtt'].map(named).join('.')}>`;
  if (value?.['Fn::Join']) return value['Fn::Join'][1].map(textOf).join(value['Fn::Join'][0]);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A logical id without its hash. */
const named = (id: string) => id.replace(/[0-9A-F]{8}$/, '');
