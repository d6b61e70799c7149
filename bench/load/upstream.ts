import { createServer, type AddressInfo } from 'node:net'
import { largeBytes } from './requests.js'
import { MessageCutter } from './head.js'

// The cheapest upstream there is: raw HTTP/1.1 over kept connections, answers that are made beforehand.
// Run as a child process: tells its port, and how many requests it had when it is asked.
const small = answer(
  JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: 1, entry: [{ fullUrl: 'urn:x' }] }),
)
const large = answer('x'.repeat(largeBytes))

let requests = 0
const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => undefined)
  const cutter = new MessageCutter((head) => {
    requests += 1
    socket.write(head.startsWith('GET /ws-diffusion-fhir/Binary/') ? large : small)
    if (/\r\nconnection: *close/i.test(head)) socket.end()
  })
  socket.on('data', (chunk) => {
    cutter.take(chunk)
  })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port }) // a listening TCP server has one
})
process.on('message', () => process.send?.({ requests }))
process.on('disconnect', () => process.exit(0))

function answer(body: string): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: ${body.length}\r\n\r\n`
  return Buffer.from(head + body, 'latin1')
}
