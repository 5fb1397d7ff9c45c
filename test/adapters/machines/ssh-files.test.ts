import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { whyUnknownHost, whyUnusableKey } from '../../../src/adapters/machines/ssh-files.ts'
import { temporaryFolder } from '../../lab/process.ts'

const hasKeygen = existsSync('/usr/bin/ssh-keygen')

/** A key as ssh-keygen makes it. */
async function keyBy(...args: readonly string[]): Promise<{ readonly own: string; readonly shown: string }> {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'key')
  execFileSync('ssh-keygen', ['-q', '-f', file, ...args])
  return { own: readFileSync(file, 'utf8'), shown: readFileSync(`${file}.pub`, 'utf8') }
}

describe.skipIf(!hasKeygen)('a key of ssh-keygen', () => {
  test.each([
    ['-t', 'ed25519'],
    ['-t', 'rsa', '-b', '2048'],
    ['-t', 'ecdsa'],
    ['-t', 'rsa', '-b', '2048', '-m', 'PEM'],
    ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8'],
  ])('%s %s %s %s %s without a passphrase can be used, and with one it can not', async (...args) => {
    const given = args.filter((one) => one !== undefined)
    expect(whyUnusableKey((await keyBy(...given, '-N', '')).own)).toBeUndefined()
    expect(whyUnusableKey((await keyBy(...given, '-N', 'hunter2')).own)).toMatch(/^it has a passphrase/)
  })

  test('is told from its public half, from one that was cut short, and from one that was changed', async () => {
    const { own, shown } = await keyBy('-t', 'ed25519', '-N', '')
    expect(whyUnusableKey(shown)).toMatch(/^it is the public key/)
    const lines = own.split('\n')
    expect(whyUnusableKey([lines[0], lines[1], ...lines.slice(-2)].join('\n'))).toBe(
      'it is damaged: copy it again, whole',
    )
    expect(whyUnusableKey(own.slice(0, 200))).toMatch(/^it is damaged/)
  })
})

describe('a key', () => {
  test.each([
    { name: 'nothing', text: '\n', why: /^it is empty/ },
    { name: 'a word', text: 'hunter2', why: /^it is not a private key/ },
    {
      name: 'a certificate',
      text: '-----BEGIN CERTIFICATE-----\naGk=\n-----END CERTIFICATE-----',
      why: /^it is not a private key/,
    },
    { name: 'one of PuTTY', text: 'PuTTY-User-Key-File-3: ssh-ed25519\n', why: /PuTTY: convert it/ },
    {
      name: 'a damaged PEM',
      text: '-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----',
      why: /^it is damaged/,
    },
    {
      name: 'an old PEM with a passphrase',
      text: '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n',
      why: /^it has a passphrase/,
    },
    {
      name: 'an empty frame',
      text: '-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----',
      why: /^it is damaged/,
    },
  ])('that is $name can not be used, and the answer repeats nothing of it', ({ text, why }) => {
    expect(whyUnusableKey(text)).toMatch(why)
    expect(whyUnusableKey(text)).not.toMatch(/hunter2|aHVudGVyMg/)
  })

  test('of another program can be used', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    expect(whyUnusableKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toBeUndefined()
  })
})

describe('known_hosts', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP1111111111111111111111111111111111111111111'
  test.each([
    { name: 'is empty', text: '', why: /^it is empty: run `ssh-keyscan -p 22 192\.168\.0\.6`/ },
    { name: 'has comments only', text: '# 192.168.0.6:22 SSH-2.0\n\n', why: /^it is empty/ },
    {
      name: 'is an error of ssh-keyscan',
      text: 'getaddrinfo nas: Name or service not known\n',
      why: /^no line of it is a host key/,
    },
    { name: 'has the key of another host', text: `192.168.0.7 ${key}\n`, why: /^it has no key of 192\.168\.0\.6/ },
    {
      name: 'has the key of another port',
      text: `[192.168.0.6]:2222 ${key}\n`,
      why: /^it has no key of 192\.168\.0\.6/,
    },
    { name: 'excludes the host', text: `*,!192.168.0.6 ${key}\n`, why: /^it has no key/ },
    { name: 'has revoked it', text: `@revoked 192.168.0.6 ${key}\n`, why: /is revoked in it/ },
    { name: 'has only a longer name', text: `1192.168.0.6 ${key}\n`, why: /^it has no key/ },
  ])('that $name does not do', ({ text, why }) => {
    expect(whyUnknownHost(text, '192.168.0.6', 22)).toMatch(why)
  })

  test.each([
    { name: 'the host', text: `# a comment\n192.168.0.6 ${key}\n`, port: 22 },
    { name: 'the host among others', text: `nas,192.168.0.6 ${key} comment\n`, port: 22 },
    { name: 'a pattern', text: `192.168.0.* ${key}\n`, port: 22 },
    { name: 'the host with its port', text: `[192.168.0.6]:2222 ${key}\n`, port: 2_222 },
    { name: 'its certificate authority', text: `@cert-authority 192.168.0.? ${key}\n`, port: 22 },
  ])('with $name does', ({ text, port }) => {
    expect(whyUnknownHost(text, '192.168.0.6', port)).toBeUndefined()
  })

  test.skipIf(!hasKeygen)('with hashed names does as well', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'known_hosts')
    execFileSync('sh', ['-c', `echo '192.168.0.6 ${key}' > "$1" && ssh-keygen -q -H -f "$1"`, '-', file], {
      stdio: 'ignore',
    })
    const text = readFileSync(file, 'utf8')
    expect(text).toMatch(/^\|1\|/)
    expect(whyUnknownHost(text, '192.168.0.6', 22)).toBeUndefined()
    expect(whyUnknownHost(text, '192.168.0.7', 22)).toMatch(/^it has no key/)
  })
})
