import { execFile } from 'node:child_process'

type Variables = Readonly<Record<string, string | undefined>>

const patienceMs = 5_000

/**
 * Tells systemd how the service stands (`READY=1`, `STOPPING=1`); nothing where nobody asked to be told.
 *
 * Node opens no datagram sockets of the Unix domain, so `systemd-notify` carries it: the unit needs
 * `NotifyAccess=all`. What hinders it is told and hinders nothing else.
 *
 * @see sd_notify(3)
 */
export function notifyServiceManager(
  messages: readonly string[],
  { variables, stderr }: { readonly variables: Variables; readonly stderr: NodeJS.WritableStream },
): Promise<void> {
  if ((variables['NOTIFY_SOCKET'] ?? '') === '') return Promise.resolve()
  return new Promise((resolve) => {
    const options = { timeout: patienceMs, env: { ...variables } }
    execFile('systemd-notify', [`--pid=${process.pid}`, ...messages], options, (error) => {
      if (error !== null)
        stderr.write(`ror-gateway: systemd was not told \`${messages.join(' ')}\`: ${error.message.trim()}\n`)
      resolve()
    })
  })
}
