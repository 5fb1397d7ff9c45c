import { readFileSync } from 'node:fs'

/** What the daemon keeps for its own work: the journal, UPSes, nodes, the Kubernetes API, downloads. */
const ownFiles = 192
/** However few files the process may have open, so many connections are accepted. */
const fewestConnections = 16

/**
 * How many connections a door may have open: `most`, and no more than its part of what the daemon's own work leaves of the
 * files that the process may have open. Whoever fills all doors does not keep it from reaching the nodes that it shuts down.
 */
export function connectionsWithin(most: number, part: number, openFiles = mostOpenFiles()): number {
  return Math.min(most, Math.max(fewestConnections, Math.floor((openFiles - ownFiles) * part)))
}

/** Of this process: Node has raised its limit as far as it may. Infinity where it is unknown. */
function mostOpenFiles(): number {
  try {
    return parseOpenFiles(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return Infinity
  }
}

/** Reads `/proc/PID/limits`: `Max open files            1024                 524288               files`. */
export function parseOpenFiles(limits: string): number {
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity)
}
