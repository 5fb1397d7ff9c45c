import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endStore, type LabDaemon, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { ownLauncher } from '../lab/launcher.ts'

/** What a person is told who asks for something at a terminal, beside a daemon whose next release soaks. */

const { path: launcher } = await ownLauncher()
const hasTerminals = spawnSync('script', ['--version']).status === 0
const skipped = hasTerminals ? '' : ' (skipped: script is not installed)'

let lab: Homelab
let directory: string
let file: string
let daemon: LabDaemon

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'caretaker-person-'))
  lab = await startHomelab({ net: 63, controlPlanes: 1, workers: 1, versions: ['v1.13.9', 'v1.14.1'] })
  lab.kubernetes.addPod({ name: 'slow', node: 'w-1', owner: { kind: 'ReplicaSet', name: 'slow' }, terminateMs: 60_000 })
  file = await lab.writeConfig(directory, { upgrade: { soak: '1h' }, power: { drainTimeout: '60s' } })
  daemon = await startDaemon({ config: file, directory })
  await waitFor('the releases to be known', 10_000, async () => (await cli('status')).stdout.includes('soaks for'))
})
afterAll(async () => {
  await daemon.stop()
  await endStore(directory)
  await lab[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const cli = (command: string) => runCli([...command.split(' '), '-c', file])

/** At a terminal of its own, where this is typed. */
function atTerminal(command: string, typed: string): Promise<{ readonly code: number | null; readonly shown: string }> {
  const line = `${process.execPath} --disable-warning=ExperimentalWarning ${launcher} ${command} -c ${file}`
  const child = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    if (text.includes('[y/N]')) child.stdin.end(typed)
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, shown })))
}

describe('while a release soaks', () => {
  test('plan and rollout status end with the same code, and name the end of it', async () => {
    const [plan, status] = [await cli('plan'), await cli('rollout status')]
    expect([plan.code, status.code]).toEqual([3, 3])
    for (const { stdout } of [plan, status])
      expect(stdout).toMatch(/^release: v1\.14\.1, but it soaks for 1 h \(until 20\d\d-.* UTC\)/)
    const { release } = JSON.parse((await cli('plan --json')).stdout) as { release: { until: string } }
    expect(new Date(release.until).toISOString()).toBe(release.until)
  })

  test('an abort is about it, and what does not exist is refused', async () => {
    expect(await cli('rollout abort v7.7.7')).toMatchObject({ code: 2, stdout: '' })
    expect(await cli('approve v7.7.7')).toMatchObject({
      code: 2,
      stderr: 'caretaker: the Image Factory does not offer v7.7.7; the newest that it offers is v1.14.1\n',
    })
    expect(await cli('rollout abort')).toMatchObject({
      code: 0,
      stdout: 'the rollout of v1.14.1 is aborted: no node is upgraded to it until `caretaker rollout start`\n',
    })
    const by = expect.stringMatching(/@.* \(unverified\)$/)
    const answer = JSON.parse((await cli('rollout status --json')).stdout) as { aborted: unknown[] }
    expect(answer.aborted).toEqual([{ release: 'v1.14.1', by, at: expect.stringMatching(/^20\d\d-.*Z$/) }])
    // Wherever a person looks it says that nothing comes of the soak by itself, and what to do.
    const told =
      'the rollout of v1.14.1 was aborted by .*@.* \\(unverified\\): start it again with `caretaker rollout start`'
    for (const question of ['plan', 'rollout status', 'status'])
      expect((await cli(question)).stdout, question).toMatch(new RegExp(told))
    expect((await cli('rollout status')).stdout).toMatch(/^aborted: {2}v1\.14\.1, on 20.* UTC by .*\(unverified\)$/m)
    expect((await cli('approve')).stdout).toMatch(new RegExp(`^v1\\.14\\.1 is approved, but ${told}\n$`))
    expect((await cli('rollout resume')).stdout).toMatch(new RegExp(`^rollouts were not paused, but ${told}\n$`))
    expect(await cli('rollout start')).toMatchObject({
      code: 0,
      stdout: 'cancelled the abort of v1.14.1; rollouts continue\n',
    })
    for (const question of ['plan', 'rollout status', 'status'])
      expect((await cli(question)).stdout, question).not.toContain('aborted')
  })
})

test('a pause says its word once, whatever it is told', async () => {
  expect((await cli('rollout pause paused: guests')).stdout).toBe('rollouts are paused: guests\n')
  const shown = [(await cli('status')).stdout, (await cli('rollout status')).stdout]
  const since = String.raw`since 20\S+ \S+ UTC by \S+@\S+ \(unverified\): guests`
  expect(shown[0]).toMatch(new RegExp(`\npaused     ${since}\n`))
  expect(shown[1]).toMatch(new RegExp(`\npaused:   ${since}`))
  // Said once more as what the upgrade waits for.
  expect(shown[1]).toMatch(new RegExp(`^waiting: rollouts are paused ${since}$`, 'm'))
  await cli('rollout resume')
})

test('JSON has the order of the text', async () => {
  const releases = (await cli('releases')).stdout.trim().split('\n')
  expect(JSON.parse((await cli('releases --json')).stdout)).toEqual(releases)
  const told = (await cli('journal -n 5')).stdout.trim().split('\n')
  const entries = JSON.parse((await cli('journal -n 5 --json')).stdout) as { text: string }[]
  expect(entries.map(({ text }, index) => told[index]!.includes(text))).toEqual(entries.map(() => true))
})

test('the JSON of the power has times of a clock that others have', async () => {
  const { power } = JSON.parse((await cli('power status --json')).stdout) as { power: { upses: { state: object }[] } }
  for (const { state } of power.upses) {
    expect(state).toMatchObject({ since: expect.stringMatching(/^20\d\d-.*Z$/) })
    const numbers = Object.values(state).filter((value) => typeof value === 'number')
    expect(numbers.filter((value) => !Number.isInteger(value))).toEqual([])
  }
})

test('failed jobs of the queue are shown and cleared', async () => {
  expect(await cli('queue failed')).toMatchObject({ code: 0, stdout: 'no job has failed for good\n' })
  expect(await cli('queue clear')).toMatchObject({ code: 0, stdout: 'the queue has no failed entries\n' })
})

describe('what takes nodes away', () => {
  test.each([
    { command: 'rollback w-1', says: 'nothing done; add --yes to roll w-1 back' },
    { command: 'power shutdown --now', says: 'nothing done; add --now --yes to shut everything down' },
    { command: 'power shutdown', says: 'nothing done; add --now --yes to shut everything down' },
    { command: 'drill power', says: 'nothing done; add --yes to rehearse it' },
  ])('is not done by a script that does not say so: $command', async ({ command, says }) => {
    const { code, stderr } = await cli(command)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) })
    expect(lab.kubernetes.node('w-1')?.spec.unschedulable).toBeFalsy()
  })

  test.each(['rollback w-1', 'power shutdown --now', 'drill power'])(
    'is refused in JSON like any failure, and in one answer: %s',
    async (command) => {
      const { code, stdout, stderr } = await cli(`${command} --json`)
      expect({ code, stderr, answer: JSON.parse(stdout) as unknown }).toEqual({
        code: 2,
        stderr: '',
        answer: {
          code: 'misconfigured',
          message: expect.stringMatching(/^nothing done; add /),
          faults: [expect.objectContaining({ message: expect.stringMatching(/^nothing done; add /) })],
        },
      })
    },
  )

  test.skipIf(!hasTerminals)(`is asked about at a terminal, where anything but yes is no${skipped}`, async () => {
    for (const typed of ['n\n', '\n', '\u0003', '\u0004']) {
      const { code, shown } = await atTerminal('rollback w-1', typed)
      expect({ typed, code }).toEqual({ typed, code: 1 })
      expect(shown).toContain('nothing done')
    }
    const shutdown = await atTerminal('power shutdown --now', 'no\n')
    expect(shutdown.code).toBe(1)
    expect(shutdown.shown).toContain('Shut everything down now?')
  })

  test.skipIf(!hasTerminals)(`is refused beforehand where it can’t be done, after a yes${skipped}`, async () => {
    const { code, shown } = await atTerminal('rollback w-1', 'y\n')
    expect(code).toBe(1)
    expect(shown).toContain("w-1 can't be rolled back: it has no previous release to boot")
    expect(lab.kubernetes.node('w-1')?.spec.unschedulable).toBeFalsy()
  })
})

test('Ctrl-C on a rehearsal says that it goes on and how to end it; it does, and ends so, and the journal tells of it', async () => {
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    launcher,
    'drill',
    'power',
    '--yes',
    '-c',
    file,
  ])
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const isCordoned = () => lab.kubernetes.node('w-1')?.spec.unschedulable === true
  await waitFor('w-1 to be cordoned', 10_000, isCordoned)
  child.kill('SIGINT')
  expect(await ended).toBe(130)
  // Where the machine is busy it has said before what it is at. An empty line ends the terminal's ^C.
  expect(stderr.replace(/^(caretaker: (cordon|drain) .*\n)+/, '').trim()).toBe(
    'caretaker: the rehearsal goes on: follow it with `caretaker status`, end it with `caretaker power cancel`',
  )
  expect(isCordoned()).toBe(true)
  expect((await cli('power cancel')).stdout).toBe('the rehearsal is cancelled: what it has done is undone\n')
  await waitFor('w-1 to be uncordoned', 10_000, () => !isCordoned())
  await waitFor('the journal to tell', 5_000, async () =>
    (await cli('journal')).stdout.includes('the rehearsal is over'),
  )
  const { stdout } = await cli('journal')
  for (const text of [
    'a rehearsal of a power cut was requested; by',
    'a rehearsal starts',
    'the rehearsal is cancelled',
  ])
    expect(stdout).toContain(text)
})
