import { about, failed, type Found, ok, warning } from '../../core/doctor/check.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Look, Means } from './look.ts'
import { packetLook } from './packets.ts'

type Host = Means['context']['config']['hosts'][number]

/** Hosts: the login as for a shutdown, with key, host key and sudo, and what wakes them. */
export function hostLooks({ context: { config, ports }, machines }: Means): readonly Look[] {
  return [
    ...config.hosts.map((host): Look => ({
      id: `host.shutdown:${host.name}`,
      subject: host.name,
      within: 25_000,
      look: async (signal) => lookAtHost(host, ports.hosts.rehearse(host.name, signal)),
    })),
    ...machines.filter(({ kind }) => kind === 'host').map((machine) => packetLook('host', machine, ports.waker)),
  ]
}

async function lookAtHost(host: Host, rehearsal: Promise<void>): Promise<readonly Found[]> {
  const { name, shutdown } = host
  const id = `host.shutdown:${name}`
  try {
    await rehearsal
  } catch (error) {
    const next =
      'ssh' in shutdown ? adviceForSsh(host, error) : 'See that it is on, and that shutdown.http.url is right'
    return [about(id, name, failed(`would not shut down: ${messageOf(error)}`, next))]
  }
  if (!('ssh' in shutdown)) return [about(id, name, ok('takes the connection by which it is shut down'))]
  const { command, rehearsal: rehearsed } = shutdown.ssh
  if (rehearsed !== undefined) return [about(id, name, ok(`the login works, and \`${rehearsed}\` allows the shutdown`))]
  const sudo = /^sudo\s+(.*)$/s.exec(command)?.[1]?.replace(/^(-n|-i)\s+/, '')
  // A key with a forced command would run that whatever is asked: nothing is run that nobody has set.
  if (sudo === undefined) return [about(id, name, ok(`the login works; \`${command}\` itself is not tried`))]
  return [
    about(id, name, ok('the login works')),
    about(
      `host.sudo:${name}`,
      name,
      warning(
        `whether sudo allows \`${sudo}\` without a password is not tried`,
        `Set shutdown.ssh.rehearsal of ${name} to \`sudo -n -l ${sudo}\` (not with a forced command, which it would run)`,
      ),
    ),
  ]
}

function adviceForSsh({ name, address, shutdown }: Host, error: unknown): string {
  const why = messageOf(error)
  if (!('ssh' in shutdown)) return ''
  const { user, port, key, knownHosts, rehearsal } = shutdown.ssh
  if (/host key/i.test(why))
    return `Compare its host key on ${name} itself, then put \`ssh-keyscan -p ${port} ${address}\` into ${knownHosts}`
  if (/exited with|password|sudo/i.test(why) && rehearsal !== undefined)
    return `Allow it on ${name}: a line of \`visudo\` such as \`${user} ALL=(root) NOPASSWD: /sbin/shutdown\``
  if (error instanceof AgentError && error.retryable)
    return 'See that it is on, that its SSH server runs, and its address and port are right'
  return `Put the public half of ${key} into authorized_keys of ${user} on ${name}`
}
