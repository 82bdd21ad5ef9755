/** What EventBridge may ask of a field; `exists` is only asked of leaves. */
type Condition = string | { exists: boolean };
type Pattern = { readonly [field: string]: Pattern | readonly Condition[] };

/** Whether a pattern of EventBridge, of the few kinds that are in use here, takes an event. */
export function matches(pattern: Pattern, event: unknown): boolean {
  return Object.entries(pattern).every(([field, expected]) => {
    const value = (event as Record<string, unknown> | undefined)?.[field];
    if (!Array.isArray(expected)) return matches(expected as Pattern, value);
    return expected.some((condition) =>
      typeof condition === 'string' ? value === condition : condition.exists === (value !== undefined),
    );
  });
}
