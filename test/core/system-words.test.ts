import { mkdir, readFile, rmdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { messageOf } from '../../src/core/errors.ts'
import { temporaryFolder } from '../lab/process.ts'

/** What the system really says, in our words. */
test.each([
  { name: 'a directory', work: (at: string) => readFile(at), says: /^it is a directory$/ },
  { name: 'a file that is not there', work: (at: string) => readFile(join(at, 'none')), says: /^it does not exist$/ },
  {
    name: 'a file for a directory',
    work: async (at: string) => {
      await writeFile(join(at, 'file'), '')
      return readFile(join(at, 'file', 'in-it'))
    },
    says: /^a part of its path is not a directory$/,
  },
  {
    name: 'links in a circle',
    work: async (at: string) => {
      await symlink('loop', join(at, 'loop'))
      return readFile(join(at, 'loop'))
    },
    says: /^its links lead in a circle$/,
  },
  {
    name: 'too long a name',
    work: (at: string) => readFile(join(at, 'x'.repeat(300))),
    says: /^its name is too long$/,
  },
  {
    name: 'a name with a NUL, which may be no name at all',
    work: (at: string) => readFile(join(at, 'secret\0')),
    says: /^its name contains a NUL character$/,
  },
  {
    name: 'a directory with something in it',
    work: async (at: string) => {
      await mkdir(join(at, 'full', 'inner'), { recursive: true })
      return rmdir(join(at, 'full'))
    },
    says: /^the directory is not empty \(.*full\)$/,
  },
  { name: 'what is there already', work: (at: string) => mkdir(at), says: /^it exists already \(.*\)$/ },
])('$name', async ({ work, says }) => {
  await using folder = await temporaryFolder()
  const said = await work(folder.path).then(() => 'nothing', messageOf)
  expect(said).toMatch(says)
})

const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
/** A key with a passphrase. By chance no passphrase looks right for one in 256, which then reads as damage. */
function lockedKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }) as string
  try {
    createPrivateKey({ key, passphrase: '' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_OSSL_BAD_DECRYPT') return key
  }
  return lockedKey()
}

const locked = lockedKey()

test.each([
  {
    name: 'a certificate that is none',
    work: () => new X509Certificate('junk'),
    says: 'no PEM block (-----BEGIN …) begins in it',
  },
  { name: 'a certificate with a wrong letter', work: () => new X509Certificate(pem('!!!!')), says: 'it is damaged' },
  {
    name: 'a certificate of something else',
    work: () => new X509Certificate(pem('aHVudGVyMg==')),
    says: 'it is damaged',
  },
  {
    name: 'a key that is none',
    work: () => createSecureContext({ key: 'junk' }),
    says: 'the key is damaged, or of an unknown type',
  },
  {
    name: 'a key with a passphrase',
    work: () => createSecureContext({ key: locked }),
    says: 'the key has a passphrase: use one without',
  },
])('$name', ({ work, says }) => {
  let said = 'nothing'
  try {
    work()
  } catch (error) {
    said = messageOf(error)
  }
  expect(said).toBe(says)
})

test('what is no failure of the file system keeps its own words', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  })
  expect(messageOf(refused)).toBe('connect ECONNREFUSED 127.0.0.1:1')
  expect(messageOf(Object.assign(new Error('nothing known'), { code: 'EWHAT', syscall: 'open' }))).toBe('nothing known')
  expect(messageOf(Object.assign(new Error('own'), { code: 'ENOENT' }))).toBe('own')
  expect(messageOf('text')).toBe('text')
})
