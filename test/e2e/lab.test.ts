import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runCli, waitFor } from '../lab/daemon.ts'

test('npm run lab brings up a homelab whose configuration is good, offline and online, and ends on Ctrl-C', async () => {
  const lab = fileURLToPath(new URL('../lab/alone.ts', import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', lab], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  try {
    await waitFor('the lab to say what it is', 20_000, () => {
      expect(child.exitCode, output).toBeNull()
      return output.includes('upsrw')
    })
    const config = /start -c (\S+)/.exec(output)?.[1] ?? ''
    const answer = await runCli(['config', 'check', '--online', '-c', config])
    expect(answer, output).toMatchObject({ code: 0, stdout: `${config} is valid\n` })
  } finally {
    child.kill('SIGINT')
  }
  expect(await ended).toBe(0)
})
