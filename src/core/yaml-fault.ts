/** An alias without an anchor, or too many of them; the parser's own words would repeat its name. */
export const yamlAliasFault = 'it is not valid YAML: it has an alias (*name) without an anchor, or too many aliases'

/**
 * What is wrong with a YAML text and where, without a word of it: the parser's own messages quote the line, and in a
 * talosconfig or a kubeconfig that may be a key. `code` is the parser's (`BAD_INDENT`).
 */
export function describeYamlFault(code: string, at: { readonly line: number; readonly col: number }): string {
  return `it is not valid YAML: ${code.toLowerCase().replaceAll('_', ' ')} at line ${at.line}, column ${at.col}`
}
