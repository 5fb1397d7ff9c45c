/** The parts of a boot, by their paths on the share. */
export interface BootParts {
  readonly kernel: string
  readonly initramfs: string
  readonly commandLine: string
}

/**
 * A script for iPXE that boots a kernel. Its paths are relative, so they count from where the script itself came from,
 * whatever protocol that was (ipxe.org/scripting). It names the files of one release: whoever has read it gets parts that
 * belong together, though another release is published meanwhile.
 */
export function bootScript({ kernel, initramfs, commandLine }: BootParts): string {
  const words = commandLine.trim().split(/\s+/).join(' ')
  return ['#!ipxe', `kernel ${kernel} ${words}`, `initrd ${initramfs}`, 'boot', ''].join('\n')
}
