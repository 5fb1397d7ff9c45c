import type { CordonMark, Node, TalosFacts } from './cluster.ts'

/**
 * What the node's next boot starts, for whatever reason it comes.
 *
 * | kind    | means                                                                                             |
 * |---------|---------------------------------------------------------------------------------------------------|
 * | same    | what runs now                                                                                     |
 * | another | something else: the node is *armed*. `certain`: the node says so itself; else our mark does alone |
 * | unknown | nothing tells: no systemd-boot, or no os:admin to read its variables                              |
 */
export type NextBoot =
  | { readonly kind: 'same' | 'unknown' }
  | { readonly kind: 'another'; readonly certain: boolean; readonly entry: string | undefined }

/**
 * The firmware's own variable decides where it can be compared with the entry that runs. Else the mark that we wrote
 * before the installer ran does, for as long as the node has not booted since. META 0x06 is not shown before that boot
 * (siderolabs/talos reads META again only after Install), so where it is shown on a running node nothing has removed it.
 */
export function nextBootOf(node: Node): NextBoot {
  const { talos } = node
  if (!talos.ok || talos.value.stage !== 'running') return { kind: 'unknown' }
  const { staged, fallbackPending, bootedEntry, defaultEntry, ready, onDisk } = talos.value
  // What the firmware remembers of a loader is of a disk that it had once.
  if (onDisk === false) return { kind: 'unknown' }
  if (staged) return { kind: 'another', certain: true, entry: undefined }
  if (bootedEntry !== undefined && defaultEntry !== undefined && !isPattern(defaultEntry)) {
    const differs = differsFromBooted(talos.value)
    return differs ? { kind: 'another', certain: true, entry: defaultEntry } : { kind: 'same' }
  }
  const installer = installerOf(node)
  if (installer !== undefined) return { kind: 'another', certain: installer === 'succeeded', entry: undefined }
  // Until the boot has proven itself the tag is of what runs. The rest holds for a node that has fallen ill, too.
  return fallbackPending && ready ? { kind: 'another', certain: true, entry: undefined } : { kind: 'unknown' }
}

/** Whether an upgrade is installed and not booted yet: the next boot starts another release, or may. */
export function isArmed(node: Node): boolean {
  return nextBootOf(node).kind === 'another'
}

/**
 * The installer is known to have ended well: only the reboot is missing. With `release` only where nothing says that it is
 * another one that the next boot starts, which someone else has installed since.
 */
export function isInstalled(node: Node, release?: string): boolean {
  const next = nextBootOf(node)
  if (next.kind !== 'another' || !next.certain) return false
  const named = next.entry === undefined ? undefined : releaseOf(next.entry)
  return release === undefined || named === undefined || named === release
}

/** How far the installer came by our mark for the current boot; undefined where none says. */
export function installerOf(node: Node): CordonMark['installer'] {
  return installerMark(node)?.installer
}

/** Whether Caretaker has armed the node for its window, and it has not rebooted since. */
export function isStagedByUs({ kubernetes, talos }: Node): boolean {
  const staged = kubernetes.ok ? kubernetes.value.staged : undefined
  return staged !== undefined && talos.ok && talos.value.bootId === staged.bootId
}

/** The release that the node is armed with, where one of our marks says. */
export function armedRelease(node: Node): string | undefined {
  return installerMark(node)?.release
}

/** Why what the next boot starts is not what runs, after a reboot that should have settled it; undefined where it is. */
export function nextBootObstacle(facts: TalosFacts): string | undefined {
  const { bootedEntry = '?', defaultEntry, version, onDisk } = facts
  if (onDisk === false || !differsFromBooted(facts)) return undefined
  return `it runs ${version} (${bootedEntry}), but its next boot starts ${defaultEntry}`
}

/**
 * The mark that says that an installer was started in the current boot: of a node that is, or was, being upgraded, or of
 * one that is staged.
 */
function installerMark({ kubernetes, talos }: Node): CordonMark | undefined {
  if (!kubernetes.ok || !talos.ok) return undefined
  const { cordon, leftover, staged } = kubernetes.value
  const { bootId } = talos.value
  return [cordon, leftover, staged].find(
    (mark) => mark?.why === 'upgrade' && mark.installer !== undefined && mark.bootId === bootId,
  )
}

/**
 * Whether systemd-boot starts another entry next than the one that runs. After a kexec the loader has not run, and Talos
 * knows the entry from what the kernel noted for it (siderolabs/talos controllers/runtime/booted_entry.go); where the
 * firmware kept none of that, the entry of the last firmware boot is shown, of another release than the one that runs.
 */
function differsFromBooted({ bootedEntry, defaultEntry, version }: TalosFacts): boolean {
  if (bootedEntry === undefined || defaultEntry === undefined || isPattern(defaultEntry)) return false
  // Names of entries are compared without regard to case, as systemd-boot does (src/boot/boot.c strcaseeq16).
  if (bootedEntry.toLowerCase() === defaultEntry.toLowerCase()) return false
  const isStale = releaseOf(bootedEntry) !== version && releaseOf(defaultEntry) === version
  return !isStale
}

/** `v1.14.1` of `Talos-v1.14.1~2.efi`; undefined where the entry has another name. */
function releaseOf(entry: string): string | undefined {
  return /^talos-(v[^~+]+?)(?:~\d+)?(?:\+\d+(?:-\d+)?)?\.efi$/i.exec(entry)?.[1]?.toLowerCase()
}

/** Patterns are allowed there, and match entries that we do not know (`Talos-*`). */
function isPattern(entry: string): boolean {
  return /[*?[]/.test(entry)
}
