/** Columns as wide as their widest cell; colours take no room. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  // oxlint-disable-next-line no-control-regex -- the escape that begins a colour
  const width = (cell: string) => cell.replaceAll(/\u001b\[\d+m/g, '').length
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => width(row[column] ?? ''))))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, widths[column]! - width(cell))))
      .join('  ')
      .trimEnd()
  return [head, ...rows].map(line).join('\n')
}
