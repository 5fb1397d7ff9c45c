import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { findDaemon } from '../../src/main/config-file.ts'
import { clearRuntimePlaces, findRuntimeSocket, makeRuntimePlace } from '../../src/main/runtime-socket.ts'
import { temporaryFolder } from '../lab/process.ts'

/** A runtime directory of this test alone. */
const environmentOf = ({ path }: { readonly path: string }) => ({ XDG_RUNTIME_DIR: path })

async function listen(path: string): Promise<AsyncDisposable> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}

test('a daemon whose state directory takes no socket is found in the runtime directory, by its state', async () => {
  await using folder = await temporaryFolder()
  const [state, environment] = [join(folder.path, 'state'), environmentOf(folder)]
  const file = join(folder.path, 'caretaker.yaml')
  await mkdir(state)
  await writeFile(file, 'state: state\n')
  expect(await findDaemon(file, environment)).toBeUndefined()
  const place = (await makeRuntimePlace(state, environment))!
  expect(dirname(dirname(place))).toBe(folder.path)
  await using _ = await listen(place)
  expect(await findDaemon(file, environment)).toMatchObject({ socket: place, trouble: undefined })
  // Also where a daemon that was killed left a socket on a disk that is read-only since.
  await using left = await listen(join(state, 'control.sock'))
  expect(left).toBeDefined()
  expect((await findDaemon(file, environment))?.socket).toBe(place)
  expect(findRuntimeSocket(join(folder.path, 'other'), environment)).toBeUndefined()
  await clearRuntimePlaces(state, environment)
  expect((await findDaemon(file, environment))?.socket).toBe(join(state, 'control.sock'))
})

test.each([
  { what: 'a directory that others may write to', prepare: (place: string) => chmod(place, 0o777) },
  {
    what: 'a link to somewhere else',
    prepare: async (place: string) => {
      await rename(place, `${place}-moved`)
      await symlink(`${place}-moved`, place)
    },
  },
])('$what is no place for the socket, and none that a command believes', async ({ prepare }) => {
  await using folder = await temporaryFolder()
  const environment = environmentOf(folder)
  const place = (await makeRuntimePlace('/state', environment))!
  await using _ = await listen(place)
  expect(findRuntimeSocket('/state', environment)).toBe(place)
  await prepare(dirname(place))
  expect(findRuntimeSocket('/state', environment)).toBeUndefined()
  const other = await makeRuntimePlace('/state', environment)
  expect(other).not.toBe(place)
  if (other !== undefined) await rm(dirname(other), { recursive: true })
})
