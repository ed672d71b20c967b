/** A process of its own that starts services and then waits to be killed. It says what it started in one line of JSON. */
import { type ServiceName, startServices } from "../../scripts/services/client.mjs"

const only = process.argv.slice(2).filter((name): name is ServiceName => ["postgres", "redis", "nats"].includes(name))
const { folder, keeperPid, pids } = await startServices({ own: true, only })
console.log(JSON.stringify({ folder, keeperPid, pids }))
