-- Each request with the next of the sessions whose Cookie headers are the
-- lines of the file that is the argument.
local requests = {}
local last = 0

function init(args)
    for line in io.lines(args[1]) do
        wrk.headers["Cookie"] = line
        requests[#requests + 1] = wrk.format("GET")
    end
end

function request()
    last = last % #requests + 1
    return requests[last]
end
