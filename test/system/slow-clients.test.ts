import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { makeStand, reasonOf, type Stand } from '../gateway/stand.js'

interface Attack {
  readonly name: string
  readonly options: readonly string[]
}

const attacks: readonly Attack[] = [
  { name: 'slow headers (slowloris)', options: ['-H'] },
  { name: 'slow bodies', options: ['-B', '-s', '8192'] },
  { name: 'slow reading', options: ['-X', '-w', '1', '-y', '2', '-n', '1', '-z', '1', '-k', '3'] },
]

for (const { name, options } of attacks) {
  test(`slowhttptest, ${name}: a good client is served all along, and nothing of the others goes up`, async (context) => {
    const stand = await makeStand(context, {
      config: (text) => `${text}limits: { headersTimeoutMs: 2000, bodyTimeoutMs: 2000, handshakes: 200 }\n`,
    })
    const attack = slowHttpTest(stand.port, options)
    let served = 0
    while (!attack.isOver() || served === 0) {
      assert.equal((await stand.send({})).status, 200)
      served += 1
    }
    await attack.ended
    // that it was an attack at all
    assert.ok((await handshakes(stand)) >= served + 20)
    assert.equal(stand.upstream.requests.length, served)
    assert.equal(reasonOf(await stand.send({ client: null })), 'certificate-missing')
    context.diagnostic(`${served} requests served meanwhile`)
  })
}

/** Of everybody so far, whatever came of them. */
async function handshakes({ gateway }: Stand): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.admin?.port ?? 0}/metrics`)
  const counts = (await answer.text()).matchAll(/^ror_gateway_handshakes_total\{.*\} (\d+)$/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

function slowHttpTest(port: number, options: readonly string[]) {
  let isOver = false
  const ended = new Promise<void>((resolve) => {
    const url = `https://127.0.0.1:${port}/ws-diffusion-fhir/Location`
    const bounds = ['-c', '150', '-r', '100', '-l', '6', '-i', '1', '-p', '60', '-u', url]
    execFile('slowhttptest', [...options, ...bounds], () => {
      isOver = true
      resolve()
    })
  })
  return { ended, isOver: () => isOver }
}
