/** A clause as it begins a sentence. */
export function capitalized(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}`
}
