const all = new WeakSet<object>()

/** Says of a value that neither it nor anything in it ever changes: what is made of it is made once. Returns it. */
export function lasting<T extends object>(value: T): T {
  all.add(value)
  return value
}

export function isLasting(value: unknown): value is object {
  return typeof value === 'object' && value !== null && all.has(value)
}
