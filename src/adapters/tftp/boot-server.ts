import { createHash } from 'node:crypto'
import type { BootServer } from '../../core/release/served.ts'
import { readByTftp, type TftpLimits, type TftpServer } from './client.ts'

/** Blocks that EDK2 takes in one go (PcdPxeTftpWindowSize). */
const firmwareWindow = 4

/** A TFTP server, read as firmware does. Of a large file nothing is kept but its digest. */
export function createBootServer(name: string, server: TftpServer, limits?: TftpLimits): BootServer {
  return {
    name,
    read: async (file, most, signal) => {
      const hash = createHash('sha256')
      let left = most ?? Infinity
      const { size } = await readByTftp(server, file, {
        window: firmwareWindow,
        signal,
        ...(limits === undefined ? {} : { limits }),
        take: (bytes) => {
          hash.update(bytes.subarray(0, left))
          left -= bytes.length
          return left > 0
        },
      })
      return { size, sha256: hash.digest('hex') }
    },
  }
}
