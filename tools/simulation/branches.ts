import { parseAst } from 'vitest/node';

/** How often what stands at an offset was run. */
export type CountAt = (offset: number) => number;

/** One of the ways on from a place at which code may go more than one. */
export interface Branch {
  line: number;
  /** The line's text. */
  text: string;
  /** What happens where it is taken. */
  way: string;
  /** How often it was. */
  taken(countAt: CountAt): number;
}

interface Node {
  type: string;
  start: number;
  end: number;
  [name: string]: unknown;
}

/**
 * The branches of a source: functions that are called, the two ways of each `if`, `?`, `&&`, `||` and `??`, the cases of a
 * `switch`, the bodies of loops and `catch`. Node strips types in place, so the offsets are those of the file.
 */
export function branchesIn(source: string): Branch[] {
  const branches: Branch[] = [];
  const add = (offset: number, way: string, taken: Branch['taken']) => {
    const line = source.slice(0, offset).split('\n').length;
    branches.push({ line, text: (source.split('\n')[line - 1] ?? '').trim(), way, taken });
  };
  const tree = parseAst(source, { lang: 'ts' }) as unknown as Node;
  // Of what a loop asks before each turn, V8 counts nothing.
  const tests = new Set<unknown>();
  visit(tree, (node) => {
    if (/^(For|While)Statement$/.test(node.type)) tests.add(node['test']);
    if (tests.has(node)) return;
    for (const { offset, way, taken } of waysOf(node)) add(offset, way, taken);
  });
  return branches;
}

type Way = Pick<Branch, 'way' | 'taken'> & { offset: number };

function waysOf(node: Node): Way[] {
  const at = (part: unknown, way: string): Way => {
    const { start } = part as Node;
    return { offset: start, way, taken: (countAt) => countAt(start) };
  };
  switch (node.type) {
    case 'IfStatement':
    case 'ConditionalExpression': {
      const { test, consequent, alternate } = node as Record<string, unknown>;
      return [
        at(consequent, 'it holds'),
        alternate ? at(alternate, 'it does not') : otherwise(test, consequent, 'it does not'),
      ];
    }
    case 'LogicalExpression': {
      const { left, right, operator } = node as Record<string, unknown>;
      return [at(right, `beyond ${operator}`), otherwise(left, right, `not beyond ${operator}`)];
    }
    case 'SwitchCase': {
      const [first] = node['consequent'] as Node[];
      return first ? [at(first, 'this case')] : [];
    }
    case 'ForStatement':
    case 'ForOfStatement':
    case 'ForInStatement':
    case 'WhileStatement':
      return [at(node['body'], 'the loop is entered')];
    case 'CatchClause':
      return [at(node['body'], 'it throws')];
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return [at(node['body'], 'it is called')];
    default:
      return [];
  }
}

/** As often as what is asked was answered, and what follows from it was not done. An answer that is waited for may never come. */
function otherwise(asked: unknown, done: unknown, way: string): Way {
  const { start, end } = asked as Node;
  const { start: then } = done as Node;
  return { offset: start, way, taken: (countAt) => countAt(end) - countAt(then) };
}

function visit(node: Node, onNode: (node: Node) => void): void {
  onNode(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') visit(child, onNode);
    }
  }
}
