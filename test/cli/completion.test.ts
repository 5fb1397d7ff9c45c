import { execFile, execFileSync } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDaemon } from '../http/daemon.ts'
import { serveApi } from '../http/server.ts'
import { runCli } from '../lab/daemon.ts'
import { temporaryFolder } from '../lab/process.ts'

const token = 'caretaker_0123456789abcdef'
const names = () => ({
  nodes: ['cp-1', 'w-1', 'w-10'],
  hosts: ['synology'],
  upses: ['rack', 'ups@nas.lan', 'my ups', 'evil\u001b[2J\tname'],
  jobs: ['stage-image', 'upgrade-node'],
  machines: ['worker-9', '52:54:00:12:34:56'],
  releases: ['v1.14.0', 'v1.13.9'],
})

const stack = new AsyncDisposableStack()
let folder: string
let socket: string
let environment: Readonly<Record<string, string>>
beforeAll(async () => {
  folder = stack.use(await temporaryFolder()).path
  socket = join(folder, 'control.sock')
  const at = stack.use(await startDaemon({ names }, { socket }))
  const server = stack.use(await serveApi(at.operator, token))
  await writeFile(join(folder, 'token'), token)
  await writeFile(join(folder, 'caretaker.yaml'), `# not read as YAML: {\nstate: '${folder}' # here\n`)
  await writeFile(join(folder, 'other.yaml'), 'state: /nowhere\n')
  await symlink(fileURLToPath(new URL('../../bin/caretaker.mjs', import.meta.url)), join(folder, 'caretaker'))
  environment = { CARETAKER_CONFIG: join(folder, 'caretaker.yaml'), PATH: `${folder}:${process.env['PATH']}` }
  over = { CARETAKER_SERVER: server.url, CARETAKER_TOKEN_FILE: join(folder, 'token') }
})
let over: Readonly<Record<string, string>>
afterAll(() => stack.disposeAsync())

const patience = { timeout: 180_000, interval: 100 }

/** The values that are offered for the last of these words. */
async function offered(words: readonly string[], environ = environment): Promise<readonly string[]> {
  const { code, stdout, stderr } = await runCli(['complete', '--', ...words], environ)
  expect([code, stderr]).toEqual([0, ''])
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0]!]))
}

test.each<{ words: readonly string[]; offers: readonly string[] }>([
  { words: ['rol'], offers: ['rollout', 'rollback'] },
  { words: ['rollout', 're'], offers: ['resume'] },
  { words: ['pause', 'w-1'], offers: ['w-1', 'w-10'] },
  { words: ['pause', 'w-1', ''], offers: [] },
  { words: ['-c', 'FILE', 'pause', '--json', 'cp'], offers: ['cp-1'] },
  { words: ['power', 'wake', ''], offers: ['cp-1', 'w-1', 'w-10', 'synology'] },
  { words: ['run', ''], offers: ['stage-image', 'upgrade-node'] },
  { words: ['stage', 'v1.14'], offers: ['v1.14.0'] },
  { words: ['ups', ''], offers: ['rack', 'ups@nas.lan', 'my ups', 'evil name'] },
  { words: ['journal', '--node', 'c'], offers: ['cp-1'] },
  { words: ['journal', '--node=c'], offers: ['--node=cp-1'] },
  { words: ['journal', '--kind', 'p'], offers: ['power'] },
  { words: ['journal', '--fol'], offers: ['--follow'] },
  { words: ['drill', 'power', '--until', 'd'], offers: ['drain'] },
  { words: ['token', 'create', 'x', '--scope', ''], offers: ['read', 'operate', 'admin'] },
  { words: ['machine', 'approve', ''], offers: ['worker-9', '52:54:00:12:34:56'] },
  { words: ['machine', 'approve', 'worker-9', '--role', ''], offers: ['controlplane', 'worker'] },
  { words: ['uki', 'inspect', ''], offers: [':files'] },
  { words: ['--config', ''], offers: [':files'] },
  { words: ['completion', 'z'], offers: ['zsh'] },
  { words: ['no-such', '--wrong', ''], offers: [] },
])('$words is completed by $offers', async ({ words, offers }) => {
  const here = words.map((word) => (word === 'FILE' ? join(folder, 'caretaker.yaml') : word))
  // Where a machine is busy no names come in time.
  await expect.poll(() => offered(here), patience).toEqual(offers)
})

test('names come from a server, too, and where no daemon answers there are none, without a word', async () => {
  const elsewhere = { ...environment, ...over, CARETAKER_CONFIG: join(folder, 'other.yaml') }
  await expect.poll(() => offered(['pause', 'c'], elsewhere), patience).toEqual(['cp-1'])
  const nobody = [
    { ...environment, CARETAKER_CONFIG: join(folder, 'other.yaml') },
    { ...environment, CARETAKER_CONFIG: join(folder, 'nothing.yaml') },
    { ...environment, CARETAKER_CONFIG: folder },
    { ...environment, CARETAKER_SERVER: 'http://127.0.0.1:9' },
    { ...environment, CARETAKER_SERVER: 'nonsense' },
  ]
  for (const one of nobody) {
    expect(await offered(['pause', ''], one)).toEqual([])
    expect(await offered(['power', 'sta'], one)).toEqual(['status'])
  }
})

const has = (program: string) => {
  try {
    execFileSync(program, ['-c', 'true'])
    return true
  } catch {
    return false
  }
}

/** What each shell itself makes of a line with the cursor at its end. */
const shells = {
  bash: (line: string) => `
    eval "$(caretaker completion bash)"; eval "$(caretaker completion bash)"
    COMP_LINE=${quoted(line)} COMP_POINT=${line.length}; _caretaker
    for reply in "\${COMPREPLY[@]}"; do echo "$reply"; done`,
  // Its own completion needs a terminal: what is given to it is shown.
  zsh: (line: string) => `
    compdef() { }; _files() { print -l *(N) }; _describe() { print -l -- "\${(@P)4}" }
    eval "$(caretaker completion zsh)"; eval "$(caretaker completion zsh)"
    words=(\${(z)\${:-${quoted(line)}}}); [[ ${quoted(line)} == *' ' ]] && words+=(''); CURRENT=$#words; _caretaker`,
  fish: (line: string) => `
    caretaker completion fish | source; caretaker completion fish | source
    complete -C ${quoted(line)}`,
}
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

describe.each(Object.keys(shells) as (keyof typeof shells)[])('in %s', (shell) => {
  test.skipIf(!has(shell)).each([
    { line: 'caretaker power wa', shows: [/^wake/] },
    { line: 'caretaker pause w', shows: [/^w-1\b/, /^w-10/] },
    { line: 'caretaker pause ', shows: [/^cp-1/, /^w-1\b/, /^w-10/] },
    { line: 'caretaker uki inspect tok', shows: [/^token/] },
  ])('$line<Tab>', async ({ line, shows }) => {
    const args = shell === 'bash' ? ['--norc', '-c'] : shell === 'zsh' ? ['-f', '-c'] : ['--no-config', '-c']
    const { stdout, stderr } = await promisify(execFile)(shell, [...args, shells[shell](line)], {
      cwd: folder,
      env: { ...process.env, ...environment, HOME: folder },
    })
    const shown = stdout.split('\n').filter((one) => one !== '')
    // What stands in for zsh's own completion lists every file.
    const isStandIn = shell === 'zsh' && line.includes('inspect')
    expect(shown.length > shows.length).toBe(isStandIn)
    for (const one of shows) expect(shown).toContainEqual(expect.stringMatching(one))
    expect(stderr).toBe('')
  })
})

test.skipIf(!has('bash'))(
  'in bash a name with an end of a word in it, or a space, is put behind what is there',
  { retry: 5 },
  async () => {
    const reply = async (line: string) => {
      const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', shells.bash(line)], {
        env: { ...process.env, ...environment },
      })
      return stdout.trim().split('\n')
    }
    expect(await reply('caretaker ups ups@n')).toEqual(['nas.lan'])
    expect(await reply('caretaker ups my')).toEqual(['my\\ ups'])
    expect(await reply('caretaker journal --node=c')).toEqual(['cp-1'])
  },
)
