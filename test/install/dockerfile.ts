/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly name: string
  /** Options such as `--from=build`. */
  readonly options: Readonly<Record<string, string>>
  /** What stands behind them; continued lines are one. */
  readonly text: string
}

/** The instructions of the last stage, which the image is made of. */
export function lastStage(text: string): readonly Instruction[] {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
  const all = lines.flatMap((line): Instruction[] => {
    const found = /^([A-Z]+)\s+((?:--\S+\s+)*)(.*)$/.exec(line.trim())
    if (!found) return []
    const [, name, options, rest] = found
    const pairs = [...options!.matchAll(/--([a-z]+)=(\S+)/g)].map(([, key, value]) => [key!, value!] as const)
    return [{ name: name!, options: Object.fromEntries(pairs), text: rest!.trim() }]
  })
  return all.slice(all.findLastIndex(({ name }) => name === 'FROM'))
}
