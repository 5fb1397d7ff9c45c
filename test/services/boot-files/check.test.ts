import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CheckContext } from '../../../src/operations/service.ts'
import { checkBootFiles } from '../../../src/services/boot-files/check.ts'
import { type BootFilesSection, section as schema } from '../../../src/services/boot-files/section.ts'
import { createChain } from '../../lab/authority.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caretaker-boot-check-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const contextOf = (given: unknown) =>
  ({
    section: schema.parse(given),
    config: () => ({ schematic: 'homelab', share: { directory: 'share' }, images: [] }),
    files: {
      state: join(folder, 'state'),
      path: (name: string) => join(folder, name),
      readSecret: ({ file }: { file: string }) => readFile(join(folder, file), 'utf8'),
    },
  }) as unknown as CheckContext<BootFilesSection | undefined>

describe('of a certificate the check says what firmware makes of it', () => {
  test.each([
    { name: 'one that is whole', isKey: true, links: ['RSA'] as const, says: [] },
    {
      name: 'an intermediate of an elliptic curve',
      isKey: true,
      links: ['RSA', 'P-256'] as const,
      says: [{ severity: 'warning', why: expect.stringMatching(/^the key of certificate 2 of 2 in it is of type ec/) }],
    },
    {
      name: 'the key of another',
      isKey: false,
      links: ['RSA'] as const,
      says: [{ setting: 'bootFiles.http.tls.key', why: expect.stringMatching(/does not belong to the certificate/) }],
    },
  ])('$name', async ({ isKey, links, says }) => {
    const { certs, key } = await createChain(links.map((kind) => ({ kind })))
    await writeFile(join(folder, 'kind.crt'), certs.join(''))
    await writeFile(join(folder, 'kind.key'), isKey ? key : (await createChain([{ kind: 'RSA' }])).key)
    const tls = { certificate: 'kind.crt', key: 'kind.key' }
    const section = { listen: ['127.0.120.5'], tftp: false, http: { port: 8_424, tls } }
    const found = await checkBootFiles(contextOf(section))
    expect(found).toHaveLength(says.length)
    expect(found).toMatchObject(says)
  })
})

test.each([
  { name: 'every interface', given: { listen: ['0.0.0.0'] }, says: /one by one/ },
  { name: 'nothing', given: { listen: [] }, says: /listen/ },
  { name: 'no listen', given: {}, says: /listen/ },
])('a section that names $name is refused', ({ given, says }) => {
  expect(() => schema.parse(given)).toThrow(says)
})
