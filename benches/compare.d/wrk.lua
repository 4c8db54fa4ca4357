-- Sends the request that the environment describes, and prints the figures as JSON.
wrk.method = os.getenv("METHOD")
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")
for name, value in os.getenv("HEADERS"):gmatch("([^:\n]+): ([^\n]+)") do
    wrk.headers[name] = value
end
local file = os.getenv("BODY")
if file then
    wrk.body = io.open(file, "rb"):read("*a")
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests": %d, "micros": %d, "p50_us": %d, "p99_us": %d, "bytes": %d, "errors": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.bytes,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
