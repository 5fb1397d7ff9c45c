import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { getuid } from 'node:process'
import { waitFor } from './daemon.ts'

const program = '/usr/sbin/in.tftpd'

/** Why a real TFTP server can't be had here; undefined when it can. */
export function whyNoTftpd(): string | undefined {
  if (!existsSync(program)) return 'tftpd-hpa is not installed'
  // It locks itself into its directory, which is root's to do.
  return getuid?.() === 0 ? undefined : 'tftpd-hpa needs root'
}

/** Debian's tftpd-hpa on a directory, which it must be able to read as the user `tftp`. */
export async function startTftpd(directory: string, address: string, port: number): Promise<AsyncDisposable> {
  await chmod(directory, 0o755)
  const child = spawn(
    program,
    ['--foreground', '--address', `${address}:${port}`, '--user', 'tftp', '--secure', directory],
    { stdio: 'ignore' },
  )
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await waitFor('tftpd to run', 5_000, () => child.pid !== undefined)
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Fetches a file as curl does, with the block size that UEFI firmware asks for (1468 bytes). */
export function fetchByTftp(url: string, target: string): Promise<number | null> {
  const child = spawn(
    'curl',
    ['--silent', '--show-error', '--max-time', '60', '--tftp-blksize', '1468', '--output', target, url],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)))
}
