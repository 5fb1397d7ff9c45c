import { open } from 'node:fs/promises'
import { AgentError, messageOf } from '../../core/errors.ts'
import { readUki, type Uki } from '../../core/release/uki.ts'

/** Reads the headers and small sections of a UKI on disk. @throws AgentError `malformed`, naming the file */
export async function readUkiFile(path: string): Promise<Uki> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new AgentError('misconfigured', `${path} can't be read: ${messageOf(error)}`, error)
  })
  try {
    const { size } = await file.stat()
    return await readUki({
      size,
      read: async (offset, length) => {
        const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - offset)))
        const { bytesRead } = await file.read(buffer, 0, buffer.length, offset)
        return buffer.subarray(0, bytesRead)
      },
    })
  } catch (error) {
    if (error instanceof AgentError) throw new AgentError(error.code, `${path}: ${error.message}`, error)
    throw new AgentError('malformed', `${path}: ${messageOf(error)}`, error)
  } finally {
    await file.close()
  }
}
