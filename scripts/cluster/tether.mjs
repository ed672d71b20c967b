/**
 * Preloaded into every node (`node --import`): it ends when the process that started it is gone, however that went. Where
 * the kernel can do that by itself (process.mjs), this covers the moment before it was told to.
 */
const parent = Number(process.env.LZSTOCK_PARENT_PID)

const check = () => {
  // an orphan is given to another process at once
  if (process.ppid !== parent) process.kill(process.pid, "SIGKILL")
}

if (parent > 0) {
  check()
  setInterval(check, 200).unref()
}
