import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPages } from '../docs/pages.ts'

/** Why there is no curl on this machine; undefined: there is. */
export function whyNoCurl(): string | undefined {
  return existsSync('/usr/bin/curl') ? undefined : 'there is no curl: apt-get install curl'
}

/** The calls of curl in docs/api.md, each on one line, as people copy them. */
export function curlExamples(): readonly string[] {
  const { fences } = readPages().find(({ path }) => path === 'docs/api.md')!
  const lines = fences
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, '').split('\n'))
  return lines.filter((line) => line.startsWith('curl '))
}

export interface CurlAnswer {
  /** 28: it did not end within its time, as what lasts does not. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CurlMeans {
  /** Where curl finds what people have in their ~/.curlrc. */
  readonly directory: string
  readonly token: string
  /** `host:port:address`, as curl's `--resolve` takes it. */
  readonly resolve: string
}

/** With which code an example ends, and what it shows: JSON, but for metrics and the stream, which lasts. */
export function expectedOf(line: string): { readonly ends: number; readonly holds: RegExp } {
  if (line.includes('/live')) return { ends: 28, holds: /^event: state$/m }
  return { ends: 0, holds: line.includes('/metrics') ? /^# TYPE /m : /^[[{].*[\]}]$/s }
}

/** Runs an example against a daemon that is reached without TLS. */
export async function runExample(line: string, { directory, token, resolve }: CurlMeans): Promise<CurlAnswer> {
  const lasts = line.includes('/live')
  await writeFile(join(directory, '.curlrc'), `silent\nresolve = "${resolve}"\nmax-time = ${lasts ? 3 : 120}\n`)
  const command = line.replaceAll('https://', 'http://')
  const env = { ...process.env, CURL_HOME: directory, TOKEN: token }
  return new Promise((done) => {
    execFile('sh', ['-c', command], { env }, (error, stdout, stderr) => {
      done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}
