import { resolve } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { SeenShare } from '../../core/setup/seen.ts'
import { lookAtShare } from './look-share.ts'
import type { Means } from './means.ts'
import { mendPlace, toPlace } from './place.ts'

const usualPort = 69

/** The share, tried: written, and read back from its TFTP server. `hosts` may serve it. */
export async function askShare(means: Means, hosts: readonly string[], remarks: string[]): Promise<SeenShare> {
  const { given, prompter, signal, say } = means
  let named = given.share
  let server = given.tftp
  for (;;) {
    if (named === undefined && !prompter)
      throw new AgentError('misconfigured', 'name the directory that machines boot from over TFTP: --share DIR')
    const directory = resolve(named ?? (await askDirectory(means)))
    try {
      const place = server === undefined ? undefined : toPlace(server, usualPort, 'a TFTP server')
      say(`writes to ${directory}, and looks for the server that serves it`)
      const share = await lookAtShare({ directory, server: place, hosts, signal })
      if (share.server !== undefined || !prompter) return share
      server = await prompter.text({
        message: 'No TFTP server was found that serves it. Its address (empty: leave it open)',
        example: '192.168.0.6',
        check: mendPlace,
      })
      if (server === '') return share
      named = directory
    } catch (error) {
      signal.throwIfAborted()
      if (!prompter && !means.known.has('share')) throw error
      if (!prompter) {
        remarks.push(`${messageOf(error)}: the share stays as it is`)
        return { directory, server, prefix: '' }
      }
      say(messageOf(error))
      // Either may be wrong: both are asked for again.
      ;[named, server] = [undefined, undefined]
    }
  }
}

function askDirectory({ prompter }: Means): Promise<string> {
  return prompter!.text({
    message: 'Directory that machines boot from over TFTP, as it is mounted here',
    example: '/volume1/pxe',
    check: (answer) => (answer === '' ? 'name a directory' : undefined),
  })
}
