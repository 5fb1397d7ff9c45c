/**
 * When machines are woken, so that they do not all draw their starting current at once: each one `stagger` ms after the
 * one before it. Answers in how many ms a machine's turn is, and keeps it for that machine until it is over.
 */
export function createTurns(
  stagger: () => number,
  now: () => number = () => performance.now(),
): (machine: string) => number {
  const turns = new Map<string, number>()
  return (machine) => {
    const [at, apart] = [now(), stagger()]
    for (const [name, turn] of turns) if (turn + apart < at) turns.delete(name)
    const turn = turns.get(machine) ?? Math.max(at, ...[...turns.values()].map((other) => other + apart))
    turns.set(machine, turn)
    return Math.max(0, turn - at)
  }
}
