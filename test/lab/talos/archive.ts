import { gzipSync } from 'node:zlib'

const block = 512

/**
 * A gzipped tar with one file, as Talos sends a kubeconfig: it never closes its tar, so there is neither padding behind
 * the file nor an end (siderolabs/talos internal/server/v1alpha1, Kubeconfig).
 */
export function tarOf(name: string, content: string): Uint8Array<ArrayBuffer> {
  const body = Buffer.from(content)
  const header = Buffer.alloc(block)
  const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, '0') + '\0'
  header.write(name, 0)
  header.write(octal(0o600, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(body.length, 12), 124)
  header.write(octal(Math.floor(Date.now() / 1000), 12), 136)
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\u000000', 257)
  header.write(
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    ) + ' ',
    148,
  )
  return new Uint8Array(gzipSync(Buffer.concat([header, body])))
}

/** In pieces of 1 KiB, as Talos streams bytes. */
export function* chunksOf(bytes: Buffer): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += 1024) yield new Uint8Array(bytes.subarray(at, at + 1024))
}
