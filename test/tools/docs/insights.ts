/** What a query of CloudWatch Logs Insights finds: as much of its language as the runbook speaks. */

/** A line of a log or, after `stats`, of a table: values by their names, those of objects with dots. */
export type Row = Record<string, unknown>;

type Condition = (row: Row) => boolean;

/** A text, a pattern, a number, a name, or a sign, whichever comes next. */
const TOKEN =
  /\s*("(?:[^"\\]|\\.)*"|\/(?:[^/\\\n]|\\.)+\/|-?\d+(?:\.\d+)?[smhd]?|[@\w][\w.@]*|!=|>=|<=|[=<>()[\],*/|])/y;

/** @throws when the query is not understood, or names a field that none of the lines has */
export function ask(query: string, lines: readonly Row[]): Row[] {
  let [rows, names] = [[...lines], namesIn(lines)];
  for (const tokens of commandsOf(query)) {
    if (rows.length === 0) return [];
    rows = new Command(tokens, names).run(rows);
    if (tokens[0] === 'stats') names = namesIn(rows);
  }
  return rows;
}

const namesIn = (rows: readonly Row[]) => new Set(rows.flatMap((row) => Object.keys(row)));

export function flat(value: object, prefix = ''): Row {
  const entries = Object.entries(value).map(([key, item]): Row => {
    const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
    return isObject ? flat(item, `${prefix}${key}.`) : { [prefix + key]: item };
  });
  return Object.assign({}, ...entries);
}

function commandsOf(query: string): string[][] {
  const commands: string[][] = [[]];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < query.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const [, token] = TOKEN.exec(query) ?? [];
    if (token === undefined) throw new Error(`Not understood: ${query.slice(at)}`);
    if (token === '|') commands.push([]);
    else commands.at(-1)?.push(token);
  }
  return commands;
}

class Command {
  readonly #tokens: string[];
  readonly #names: ReadonlySet<string>;

  constructor(tokens: string[], names: ReadonlySet<string>) {
    this.#tokens = [...tokens];
    this.#names = names;
  }

  run(rows: Row[]): Row[] {
    const verb = this.#take();
    const found = this.#carryOut(verb, rows);
    if (this.#tokens.length > 0) throw new Error(`Not understood: ${verb} … ${this.#tokens.join(' ')}`);
    return found;
  }

  #carryOut(verb: string, rows: Row[]): Row[] {
    switch (verb) {
      case 'filter': {
        const holds = this.#either();
        return rows.filter(holds);
      }
      case 'display':
        this.#list(() => this.#field());
        return rows;
      case 'sort':
        this.#field();
        if (['asc', 'desc'].includes(this.#tokens[0] ?? '')) this.#take();
        return rows;
      case 'limit':
        return rows.slice(0, Number(this.#take()));
      case 'stats':
        return this.#stats(rows);
      default:
        throw new Error(`There is no command ${verb}`);
    }
  }

  #stats(rows: Row[]): Row[] {
    const columns = this.#list(() => this.#aggregate());
    this.#take('by');
    const keys = this.#list(() => this.#key());
    const groups = Map.groupBy(rows, (row) => JSON.stringify(keys.map(({ of }) => of(row))));
    return [...groups.values()].map((group) => ({
      ...Object.fromEntries(keys.map(({ name, of }) => [name, of(group[0] ?? {})])),
      ...Object.fromEntries(columns.map(({ name, of }) => [name, of(group)])),
    }));
  }

  #aggregate(): { name: string; of: (group: Row[]) => unknown } {
    const fn = this.#take();
    const aggregate = AGGREGATES[fn];
    if (!aggregate) throw new Error(`There is no function ${fn}`);
    this.#take('(');
    const isLength = this.#tokens[0] === 'strlen';
    if (isLength) for (const token of ['strlen', '(']) this.#take(token);
    const field = this.#tokens[0] === '*' ? this.#take() : this.#field();
    if (isLength) this.#take(')');
    this.#take(')');
    const divisor = this.#tokens[0] === '/' ? Number(this.#take() && this.#take()) : 1;
    this.#take('as');
    const name = this.#take();
    const of = (group: Row[]) => {
      const values = group.flatMap((row) => (field === '*' ? 1 : (row[field] ?? [])));
      const value = aggregate(isLength ? values.map((each) => [...String(each)].length) : values);
      return divisor === 1 ? value : Number(value) / divisor;
    };
    return { name, of };
  }

  #key(): { name: string; of: Condition | ((row: Row) => unknown) } {
    if (this.#tokens[0] !== 'bin') {
      const name = this.#field();
      return { name, of: (row: Row) => row[name] ?? null };
    }
    const name = this.#take();
    this.#take('(');
    this.#take();
    this.#take(')');
    return { name, of: () => 'a while' };
  }

  #either(): Condition {
    const sides = [this.#both()];
    while (this.#tokens[0] === 'or' && this.#take()) sides.push(this.#both());
    return (row) => sides.some((side) => side(row));
  }

  #both(): Condition {
    const sides = [this.#one()];
    while (this.#tokens[0] === 'and' && this.#take()) sides.push(this.#one());
    return (row) => sides.every((side) => side(row));
  }

  #one(): Condition {
    if (this.#tokens[0] === '(') {
      this.#take();
      const inside = this.#either();
      this.#take(')');
      return inside;
    }
    if (this.#tokens[0] === 'not') {
      this.#take();
      const negated = this.#one();
      return (row) => !negated(row);
    }
    if (this.#tokens[0] === 'ispresent') {
      this.#take();
      this.#take('(');
      const name = this.#field();
      this.#take(')');
      return (row) => row[name] !== undefined;
    }
    return this.#comparison(this.#field(), this.#take());
  }

  #comparison(field: string, operator: string): Condition {
    switch (operator) {
      case '=':
      case '!=': {
        const value = literal(this.#take());
        return (row) => (String(row[field]) === value) === (operator === '=');
      }
      case 'like': {
        const pattern = new RegExp(this.#take().slice(1, -1));
        return (row) => row[field] !== undefined && pattern.test(String(row[field]));
      }
      case 'in': {
        this.#take('[');
        const values = this.#list(() => literal(this.#take()));
        this.#take(']');
        return (row) => values.includes(String(row[field]));
      }
      default:
        throw new Error(`There is no comparison ${operator}`);
    }
  }

  #field(): string {
    const name = this.#take();
    if (!this.#names.has(name)) throw new Error(`No line has ${name}`);
    return name;
  }

  #list<T>(item: () => T): T[] {
    const items = [item()];
    while (this.#tokens[0] === ',' && this.#take()) items.push(item());
    return items;
  }

  #take(expected?: string): string {
    const token = this.#tokens.shift();
    if (token === undefined || (expected !== undefined && token !== expected))
      throw new Error(`Expected ${expected ?? 'more'}, not ${token ?? 'the end'}`);
    return token;
  }
}

const AGGREGATES: Record<string, (values: unknown[]) => unknown> = {
  count: (values) => values.length,
  count_distinct: (values) => new Set(values).size,
  sum: (values) => values.reduce((sum: number, value) => sum + Number(value), 0),
  min: (values) => Math.min(...values.map(Number)),
  max: (values) => Math.max(...values.map(Number)),
  earliest: ([first]) => first,
};

function literal(token: string): string {
  return token.startsWith('"') ? (JSON.parse(token) as string) : token;
}
