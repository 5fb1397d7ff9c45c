// Carries out every command of the CLI, each with each of its switches, at a server that takes no request; writes what
// each has asked of it, as JSON.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import type { Command, Option } from 'commander'

/** What a command has asked of the server: `GET /api/v1/status`. */
export type Asked = Readonly<Record<string, readonly string[]>>

const requests: string[] = []
const refusal = { type: 'about:blank', title: 'No', status: 409, detail: 'not here', code: 'rejected' }
const server = createServer((incoming, outgoing) => {
  requests.push(`${incoming.method} ${incoming.url}`)
  outgoing.writeHead(409, { 'content-type': 'application/problem+json' }).end(JSON.stringify(refusal))
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const there = ['--server', `http://127.0.0.1:${(server.address() as AddressInfo).port}`]

const { write } = process.stdout
// What the commands say is not what is asked here.
process.stdout.write = () => true
process.stderr.write = () => true
await import('../../src/cli.ts')
const { program } = await import('../../src/cli/shell.ts')

const asked: Record<string, readonly string[]> = {}
for (const { name, lines } of leavesOf(program, [])) {
  requests.length = 0
  for (const line of lines) await program.parseAsync([...there, ...line], { from: 'user' }).catch(() => {})
  asked[name] = [...new Set(requests)]
}
server.close()
write.call(process.stdout, JSON.stringify(asked))
process.exit(0)

interface Leaf {
  readonly name: string
  readonly lines: readonly (readonly string[])[]
}

/** The commands that do something, with lines to try each by. */
function leavesOf(command: Command, words: readonly string[]): readonly Leaf[] {
  if (command.commands.length > 0) return command.commands.flatMap((child) => leavesOf(child, [...words, child.name()]))
  const needed = command.registeredArguments
    .filter(({ required }) => required)
    .map(({ argChoices }) => argChoices?.[0] ?? 'w-1')
  const mandatory = command.options.filter((option) => option.mandatory).flatMap(givenAs)
  const confirmed = command.options.some(({ long }) => long === '--yes') ? ['--yes'] : []
  const base = [...words, ...needed, ...mandatory, ...confirmed]
  const switches = command.options.filter((option) => option.isBoolean() && !['--yes', '--json'].includes(option.long!))
  const each = switches.map(({ long }) => [...base, long!])
  const named = command.registeredArguments.length > needed.length ? [[...base, 'w-1']] : []
  return [{ name: words.join(' '), lines: [base, ...each, ...named] }]
}

function givenAs({ long, argChoices }: Option): readonly string[] {
  return [long!, argChoices?.[0] ?? 'w-1']
}
