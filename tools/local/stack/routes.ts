export interface RouteMatch<Target> {
  routeKey: string;
  target: Target;
  pathParameters: Record<string, string>;
}

interface Route<Target> {
  routeKey: string;
  method: string;
  pattern: RegExp;
  parameterNames: string[];
  target: Target;
}

const DEFAULT_ROUTE = '$default';

/** Routes of an HTTP API: a full match of the path, then the longest greedy one, then `$default`. */
export class RouteTable<Target> {
  readonly #routes: Route<Target>[];

  /** Targets by route key, such as `POST /v1/jobs`, `ANY /{proxy+}` or `$default`. */
  constructor(targets: Record<string, Target>) {
    this.#routes = Object.entries(targets)
      .sort(([a], [b]) => (precedence(a) < precedence(b) ? 1 : -1))
      .map(([routeKey, target]) => toRoute(routeKey, target));
  }

  match(method: string, path: string): RouteMatch<Target> | undefined {
    for (const { routeKey, method: routeMethod, pattern, parameterNames, target } of this.#routes) {
      const matched = (routeMethod === 'ANY' || routeMethod === method) && pattern.exec(path);
      if (!matched) continue;
      const values = parameterNames.map((name, index) => [name, matched[index + 1] ?? '']);
      return { routeKey, target, pathParameters: Object.fromEntries(values) };
    }
    return undefined;
  }
}

function toRoute<Target>(routeKey: string, target: Target): Route<Target> {
  if (routeKey === DEFAULT_ROUTE)
    return { routeKey, method: 'ANY', pattern: /^/, parameterNames: [], target };
  const [method = '', path = ''] = routeKey.split(' ');
  const parameterNames: string[] = [];
  const segments = path.split('/').map((segment) => {
    const [, name, greedy] = /^\{([^+}]+)(\+?)\}$/.exec(segment) ?? [];
    if (name === undefined) return segment.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    parameterNames.push(name);
    return greedy ? '(.+)' : '([^/]+)';
  });
  return { routeKey, method, pattern: new RegExp(`^${segments.join('/')}$`, 's'), parameterNames, target };
}

/** Sorts as text: full matches before greedy ones, fixed segments before variable ones, a method before ANY. */
function precedence(routeKey: string): string {
  if (routeKey === DEFAULT_ROUTE) return '';
  const [method = '', path = ''] = routeKey.split(' ');
  const segments = path.split('/').slice(1);
  const isGreedy = segments.at(-1)?.endsWith('+}');
  const kinds = segments.map((segment) =>
    segment.endsWith('+}') ? '0' : segment.startsWith('{') ? '1' : '2',
  );
  return [isGreedy ? '0' : '1', ...kinds, method === 'ANY' ? '0' : '1'].join('');
}
