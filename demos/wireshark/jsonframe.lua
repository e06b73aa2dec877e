-- Wireshark dissector for jsonframe: messages that are a u16 length, a JSON header of that length, and content.
--
-- It reads messages off TCP, by default on port 65432, and refuses what SPEC.md refuses, by the same names and at the
-- same offsets. See README.md beside this file. For Wireshark 4.0 and later (Lua 5.2 and 5.4).

local proto = Proto("jsonframe", "Self-describing messages (jsonframe)")

local MAX_DEPTH = 64
-- Longer JSON content is shown as bytes: Wireshark's JSON dissector makes an item, and takes memory, for each token.
local MAX_JSON = 1024 * 1024

local f = {
    offset = ProtoField.uint64("jsonframe.offset", "Offset in the stream", base.DEC),
    header_length = ProtoField.uint16("jsonframe.header_length", "Header length", base.DEC),
    header = ProtoField.string("jsonframe.header", "Header"),
    byteorder = ProtoField.string("jsonframe.byteorder", "byteorder"),
    content_type = ProtoField.string("jsonframe.content_type", "content-type"),
    content_encoding = ProtoField.string("jsonframe.content_encoding", "content-encoding"),
    content_length = ProtoField.uint64("jsonframe.content_length", "content-length", base.DEC),
    extension = ProtoField.none("jsonframe.extension", "Extension member"),
    extension_name = ProtoField.string("jsonframe.extension.name", "Name"),
    extension_value = ProtoField.string("jsonframe.extension.value", "Value"),
    content = ProtoField.bytes("jsonframe.content", "Content"),
    content_offset = ProtoField.uint64("jsonframe.content.offset", "Offset in the content", base.DEC),
    message_in = ProtoField.framenum("jsonframe.message_in", "The message begins in frame", base.NONE),
    error_kind = ProtoField.string("jsonframe.error.kind", "Fault"),
    error_offset = ProtoField.uint64("jsonframe.error.offset", "Offset of the fault in the stream", base.DEC),
    error_member = ProtoField.string("jsonframe.error.member", "Member at fault"),
    error_missing = ProtoField.uint64("jsonframe.error.missing", "Missing bytes", base.DEC),
    error_in = ProtoField.framenum("jsonframe.error.in", "The stream is at fault in frame", base.NONE),
}
proto.fields = f

local group, severity = expert.group, expert.severity
local info = {
    malformed = ProtoExpert.new("jsonframe.malformed", "The stream is at fault", group.MALFORMED, severity.ERROR),
    truncated = ProtoExpert.new("jsonframe.truncated", "The stream ends too early", group.MALFORMED, severity.ERROR),
    lost = ProtoExpert.new("jsonframe.lost", "No message is known to begin here", group.SEQUENCE, severity.NOTE),
    repeated = ProtoExpert.new("jsonframe.repeated", "Seen before", group.SEQUENCE, severity.NOTE),
}
proto.experts = info

proto.prefs.ports = Pref.range("TCP ports", "65432", "Ports whose connections are dissected", 65535)
proto.prefs.max_reassembled = Pref.uint("Longest message to reassemble (bytes)", 16 * 1024 * 1024,
    "The content of longer messages is shown segment by segment, and is not collected in memory")
proto.prefs.heuristic = Pref.bool("Find messages on any port", false,
    "Take a TCP connection for jsonframe if a segment begins with a whole, valid header")

local tcp_stream = Field.new("tcp.stream")
local tcp_seq = Field.new("tcp.seq")
local tcp_seq_raw = Field.new("tcp.seq_raw")
local tcp_payload = Field.new("tcp.payload")
local tcp_fin = Field.new("tcp.flags.fin")
local tcp_completeness = Field.new("tcp.completeness")
local json_dissector = Dissector.get("json")

-- The field of the innermost TCP, of several in a tunnel.
local function last(field)
    local infos = { field() }
    return infos[#infos]
end

----
-- The header: one JSON object, read from left to right, in time linear in its length.
----

local REQUIRED = { "byteorder", "content-type", "content-encoding", "content-length" }
local IS_REQUIRED = {}
for _, name in ipairs(REQUIRED) do IS_REQUIRED[name] = true end

local SHORT_ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- How many bytes the well-formed UTF-8 sequence has that begins at `at`, or nil. RFC 3629, Section 4.
local function utf8_length(s, at)
    local first, second, third, fourth = s:byte(at, at + 3)
    local function tail(byte, from, upto) return byte and byte >= (from or 0x80) and byte <= (upto or 0xBF) end
    if first < 0x80 then return 1 end
    if first >= 0xC2 and first <= 0xDF then return tail(second) and 2 or nil end
    if first >= 0xE0 and first <= 0xEF then
        local from, upto = first == 0xE0 and 0xA0, first == 0xED and 0x9F
        return tail(second, from, upto) and tail(third) and 3 or nil
    end
    if first >= 0xF0 and first <= 0xF4 then
        local from, upto = first == 0xF0 and 0x90, first == 0xF4 and 0x8F
        return tail(second, from, upto) and tail(third) and tail(fourth) and 4 or nil
    end
    return nil
end

-- A code point in UTF-8.
local function utf8_char(code)
    local function tail(shift) return 0x80 + math.floor(code / shift) % 64 end
    if code < 0x80 then return string.char(code) end
    if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), tail(1)) end
    if code < 0x10000 then return string.char(0xE0 + math.floor(code / 4096), tail(64), tail(1)) end
    return string.char(0xF0 + math.floor(code / 262144), tail(4096), tail(64), tail(1))
end

-- A number's decimal digits as a UInt64, or nil if it is not below 2^64.
local function to_uint64(digits)
    if #digits > 20 then return nil end
    local low, high = 0, 0
    for i = 1, #digits do
        low = low * 10 + (digits:byte(i) - 48)
        local carry = math.floor(low / 4294967296)
        low = low - carry * 4294967296
        high = high * 10 + carry
    end
    if high >= 4294967296 then return nil end
    return UInt64.new(low, high)
end

-- Reads a header. Returns its members, each with its name, value and text, where it stands (`from` to `upto`, counted
-- from 1), and the required ones also by name. Or nil and the fault: its kind, where it is (from 0), its member.
local function read_header(s)
    local at = 1

    local function fault(kind, where, member)
        error({ kind = kind, at = (where or at) - 1, member = member }, 0)
    end

    -- The next byte, as a character.
    local function peek()
        if at > #s then fault("unexpected-end") end
        return s:sub(at, at)
    end

    local function skip_space()
        local _, upto = s:find("^[ \t\n\r]*", at)
        at = upto + 1
    end

    local function peek_behind_space()
        skip_space()
        return peek()
    end

    -- What stands here must not: that is not UTF-8, if no sequence begins here, and of this kind otherwise.
    local function refuse(kind, member)
        if not utf8_length(s, at) then fault("not-utf8") end
        fault(kind or "unexpected-byte", nil, member)
    end

    local function escape()
        local backslash = at
        local function take(set, kind)
            local char = peek()
            if not char:find(set) then fault(kind or "invalid-escape", backslash) end
            at = at + 1
            return char
        end
        at = at + 1
        local char = take('["\\/bfnrtu]')
        if char ~= "u" then return SHORT_ESCAPES[char] end
        local unit = tonumber(take("%x") .. take("%x") .. take("%x") .. take("%x"), 16)
        if unit >= 0xDC00 and unit <= 0xDFFF then fault("lone-surrogate", backslash) end
        if unit < 0xD800 or unit > 0xDFFF then return utf8_char(unit) end
        take("\\", "lone-surrogate")
        take("u", "lone-surrogate")
        local low = take("[dD]", "lone-surrogate") .. take("[c-fC-F]", "lone-surrogate")
        low = low .. take("%x", "lone-surrogate") .. take("%x", "lone-surrogate")
        return utf8_char(0x10000 + (unit - 0xD800) * 1024 + tonumber(low, 16) - 0xDC00)
    end

    local function read_string()
        if peek() ~= '"' then refuse() end
        at = at + 1
        local parts = {}
        while true do
            local _, upto = s:find('^[^\0-\31"\\\128-\255]+', at)
            if upto then
                parts[#parts + 1] = s:sub(at, upto)
                at = upto + 1
            end
            local char = peek()
            if char == '"' then
                at = at + 1
                return table.concat(parts)
            elseif char == "\\" then
                parts[#parts + 1] = escape()
            elseif char < " " then
                fault("control-character")
            else
                local length = utf8_length(s, at)
                if not length then fault("not-utf8") end
                parts[#parts + 1] = s:sub(at, at + length - 1)
                at = at + length
            end
        end
    end

    local function skip(set)
        local _, upto = s:find("^" .. set, at)
        if upto then at = upto + 1 end
        return upto ~= nil
    end

    local function digits()
        if not peek():find("%d") then refuse() end
        skip("%d+")
    end

    local function number()
        skip("%-")
        -- A digit behind a leading 0 is refused by what comes next.
        if not skip("0") then digits() end
        if skip("%.") then digits() end
        if skip("[eE]") then
            skip("[+-]")
            digits()
        end
    end

    local function colon()
        if peek_behind_space() ~= ":" then refuse() end
        at = at + 1
        peek_behind_space()
    end

    -- Goes through what stands between these brackets, and leaves `at` at the closing one.
    local function each(closing, one)
        at = at + 1
        if peek_behind_space() == closing then return end
        while true do
            one()
            if peek_behind_space() == closing then return end
            if peek() ~= "," then refuse() end
            at = at + 1
            peek_behind_space()
        end
    end

    local value

    local function nested(depth, closing, one)
        if depth == MAX_DEPTH then fault("too-deep") end
        each(closing, one)
        at = at + 1
    end

    -- A value inside so many open objects and arrays: its text, if it is a string. The depth bounds the recursion.
    function value(depth)
        local char = peek()
        if char == '"' then return read_string() end
        if char == "{" then
            nested(depth, "}", function()
                read_string()
                colon()
                value(depth + 1)
            end)
        elseif char == "[" then
            nested(depth, "]", function() value(depth + 1) end)
        elseif char:find("[%d-]") then
            number()
        else
            local literal = char == "t" and "true" or char == "f" and "false" or char == "n" and "null"
            if not literal then refuse() end
            for expected in literal:gmatch(".") do
                if peek() ~= expected then refuse() end
                at = at + 1
            end
        end
        return nil
    end

    local function required_string(name)
        local quote = at
        if peek():find("[{%[tfn%d-]") then fault("wrong-type", nil, name) end
        local text = read_string()
        if name == "byteorder" and text ~= "little" and text ~= "big" then fault("invalid-byteorder", quote, name) end
        return text
    end

    local function content_length(name)
        peek()
        local token = s:match("^[%dA-Za-z+.-]*", at)
        local spelt = token == "0" or token:find("^[1-9]%d*$")
        local number = spelt and to_uint64(token)
        if not number then refuse("invalid-content-length", name) end
        at = at + #token
        return token, number
    end

    local function header()
        local found = { members = {} }
        if s:sub(1, 3) == "\239\187\191" then fault("byte-order-mark") end
        if peek_behind_space() ~= "{" then refuse("not-an-object") end
        each("}", function()
            local member = { from = at }
            member.name = read_string()
            if found[member.name] then fault("duplicate-member", member.from, member.name) end
            colon()
            local from = at
            if member.name == "content-length" then
                member.value, found.content_length = content_length(member.name)
            elseif IS_REQUIRED[member.name] then
                member.value = required_string(member.name)
            else
                member.value = value(1)
            end
            member.upto = at - 1
            member.text = s:sub(from, member.upto)
            if IS_REQUIRED[member.name] then found[member.name] = member.value end
            found.members[#found.members + 1] = member
        end)
        for _, name in ipairs(REQUIRED) do
            if not found[name] then fault("missing-member", nil, name) end
        end
        at = at + 1
        skip_space()
        if at <= #s then refuse("trailing-data") end
        return found
    end

    local ok, found = pcall(header)
    if ok then return found end
    -- Anything else is an error in this file, and must be seen.
    if type(found) ~= "table" then error(found, 0) end
    return nil, found
end

-- The header at the beginning of a tvb if all of it is there and it is valid.
local function whole_header(tvb)
    local length = tvb:len() >= 2 and tvb(0, 2):uint() or 0
    if length == 0 or tvb:len() < 2 + length then return nil end
    return (read_header(tvb:raw(2, length)))
end

----
-- The streams: where their messages begin. A position is a TCP sequence number that goes on beyond 2^32.
--
-- This is found out when a frame is dissected for the first time, which is in the order of the stream. Frames may be
-- dissected again at any time, in any order; then it is remembered.
----

-- By stream and sender. Fields of one:
--   base     the position of offset 0
--   next     the position at which the next message begins, or nil if that is not known
--   cursor   the position behind what came last
--   asked    the parts that TCP was asked to put together and that have not come: from where, up to where, and the
--            header, if that is whole, so that it is a message; otherwise it comes with all of the segment it ends in
--   open     the last of them, if nothing has come since
--   latest   the last of them in any case
--   long     content that is not put together, in order: from, upto, frame of its header, type, length and its number
--   fault    the frame and the kind, when nothing that follows can be read
--   fin      the position at which the stream ends
local streams = {}
-- What was found out about each part of a frame that was dissected, and about an end of the stream: by frame.
local calls, ends = {}, {}

function proto.init()
    streams, calls, ends = {}, {}, {}
end

local function stream_key(pinfo)
    local stream = last(tcp_stream)
    local name = stream and stream.value or string.format("%s %d", tostring(pinfo.dst), pinfo.dst_port)
    return string.format("%s %s %d", name, tostring(pinfo.src), pinfo.src_port)
end

-- The position of a sequence number, which is near the cursor.
local function position(stream, seq)
    local cursor = stream.cursor
    local distance = (seq - cursor) % 4294967296
    if distance >= 2147483648 then distance = distance - 4294967296 end
    return cursor + distance
end

-- The long content that this position is in.
local function long_content(stream, at)
    -- Almost always it is the last.
    for i = #stream.long, 1, -1 do
        local content = stream.long[i]
        if at >= content.upto then return nil end
        if at >= content.from then return content end
    end
    return nil
end

-- Whether the bytes come straight from this segment. If not, TCP has put them together, to a buffer of their own.
local function is_fresh(tvb, payload)
    if not payload then return tvb:offset() > 0 end
    local offset = tvb:offset() - payload.offset
    return offset >= 0 and offset < payload.len and offset + tvb:reported_len() == payload.len
end

-- The position of bytes that TCP has put together: a part that was asked for.
local function reassembled_position(stream, length)
    for i = #stream.asked, 1, -1 do
        local part = stream.asked[i]
        if part.from + length == part.upto or (not part.header and part == stream.open) then
            table.remove(stream.asked, i)
            return part.from
        end
    end
    -- Or segments that came in another order.
    return stream.open and stream.open.from or stream.cursor
end

-- How much to ask TCP for, for a part that begins here. Remembers that.
--
-- Of a message as much as is wanting. Of a header one more segment at a time, since TCP forgets, in later passes, what
-- it put together if it is then asked for more of the same segment. But segments may be tiny, and every time all is put
-- together anew: then half of what is wanting.
local function ask(stream, from, have, stop)
    local before = stream.latest
    local steps = before and before.from == from and before.steps + 1 or 1
    local part = { from = from, upto = from + have + stop.wanting, header = stop.header, steps = steps }
    stream.next, stream.open, stream.latest = from, part, part
    stream.asked[#stream.asked + 1] = part
    -- Those that never come are few, or the stream is hopeless.
    if #stream.asked > 16 then table.remove(stream.asked, 1) end
    if stop.header then return stop.wanting end
    if steps > 64 and stop.wanting > 64 then return math.ceil(stop.wanting / 2) end
    return DESEGMENT_ONE_MORE_SEGMENT
end

-- Whether the capture has the beginning of the stream, and this is it.
local function is_beginning(seq)
    local completeness, raw = last(tcp_completeness), last(tcp_seq_raw)
    local handshake = completeness and completeness.value % 4 ~= 0
    local relative = raw and raw.value ~= seq.value
    return handshake and (seq.value == 1 or not relative)
end

-- Finds out what these bytes are, the first time that they are dissected.
--
-- `tshark -2` without a filter has no fields then: it is taken for granted that no segment is missing.
local function place(tvb, pinfo)
    local key, seq, payload = stream_key(pinfo), last(tcp_seq), last(tcp_payload)
    local stream, fresh = streams[key], is_fresh(tvb, payload)
    if not stream then
        local base = seq and seq.value or 0
        stream = { base = base, cursor = base, asked = {}, long = {} }
        if not seq or not fresh or is_beginning(seq) then stream.next = base end
        streams[key] = stream
    end
    local at = stream.cursor
    if not fresh then
        at = reassembled_position(stream, tvb:reported_len())
    elseif seq and payload then
        at = position(stream, seq.value) + tvb:offset() - payload.offset
    end
    local call = { stream = stream, at = at, first = true }
    local open = stream.open
    stream.open = nil
    call.after = stream.fault
    call.long = long_content(stream, at)
    if call.after or call.long then
        -- Known already.
    elseif stream.next and at < stream.next then
        -- A message that was put together after the next was seen; or a segment that TCP takes for new.
        call.first = false
        call.repeated = fresh
    elseif open and open.header and at == open.upto then
        -- The end of a message that was not put together, because some of it is not in the capture.
        stream.next = at
    elseif stream.next ~= at then
        stream.next = whole_header(tvb) and at or nil
        call.lost = not stream.next
    end
    stream.cursor = math.max(stream.cursor, at + tvb:reported_len())
    return call
end

-- What these bytes are.
local function placed(tvb, pinfo)
    local frame = calls[pinfo.number] or {}
    calls[pinfo.number] = frame
    local offset = tvb:offset()
    local exactly = string.format("%d %d", offset, tvb:reported_len())
    -- What TCP has put together step by step comes in one when it is dissected again.
    local call = pinfo.visited and (frame[exactly] or frame[offset])
    if not call then
        call = place(tvb, pinfo)
        frame[exactly], frame[offset] = call, call
    end
    return call
end

----
-- Showing.
----

-- Text for a field, which ends at a NUL.
local function printable(text)
    return (text:gsub("\0", "\\u0000"))
end

local function count(number)
    return string.format("%.0f", number)
end

local function is_json(header)
    local kind = header["content-type"]:lower():match("^[ \t]*([^; \t]*)")
    local encoding = header["content-encoding"]:lower():gsub("[-_]", "")
    return (kind == "text/json" or kind == "application/json" or kind:find("%+json$") ~= nil)
        and (encoding == "utf8" or encoding == "ascii" or encoding == "usascii")
end

-- The fields of a header; `range` gives the bytes of a part of it, where they are at hand.
local function show_header(tree, header, range)
    for _, member in ipairs(header.members) do
        local bytes = range and range(member.from, member.upto)
        local function add(branch, field, value)
            return bytes and branch:add(field, bytes, value) or branch:add(field, value):set_generated()
        end
        if member.name == "content-length" then
            add(tree, f.content_length, header.content_length)
        elseif IS_REQUIRED[member.name] then
            add(tree, f[member.name:gsub("-", "_")], printable(member.value))
        else
            local item = bytes and tree:add(f.extension, bytes) or tree:add(f.extension):set_generated()
            item:set_text(printable(string.format("%s: %s", member.name, member.text)))
            add(item, f.extension_name, printable(member.name))
            add(item, f.extension_value, printable(member.value or member.text))
        end
    end
end

local function describe(header)
    return string.format("%s, %s bytes", printable(header["content-type"]), header["content-length"])
end

-- The content of a message, as far as it is there.
local function show_content(tvb, pinfo, tree, header, whole)
    if tvb:len() == 0 then return end
    tree:add(f.content, tvb())
    if whole and json_dissector and is_json(header) and tvb:len() <= MAX_JSON then
        -- What goes wrong in there must not hide the messages that follow.
        pcall(json_dissector.call, json_dissector, tvb, pinfo, tree)
    end
end

local function show_fault(tree, fault)
    local text = fault.member and string.format("%s %s", fault.kind, fault.member) or fault.kind
    text = string.format("%s (at byte %s)", text, count(fault.offset))
    tree:add(f.error_kind, fault.kind):set_generated()
    tree:add(f.error_offset, UInt64(fault.offset)):set_generated()
    if fault.member then tree:add(f.error_member, fault.member):set_generated() end
    if fault.missing then tree:add(f.error_missing, fault.missing):set_generated() end
    tree:append_text(", malformed: " .. text)
    tree:add_proto_expert_info(fault.missing and info.truncated or info.malformed, text)
    return text
end

-- A part of a message whose content is too long to be put together. Returns how much of the tvb it is.
local function show_long(tvb, tree, call)
    local content = call.long
    local done = call.at - content.from
    local length = math.min(tvb:reported_len(), content.upto - call.at)
    local captured = math.min(length, tvb:len())
    local item = tree:add(proto, tvb(0, captured))
    local from, upto = count(done), count(done + length)
    local text = string.format("%s: content from byte %s to %s of %s", content.type, from, upto, content.length)
    item:append_text(", " .. text)
    item:add(f.message_in, content.frame):set_generated()
    item:add(f.content_offset, UInt64(done)):set_generated()
    if captured > 0 then item:add(f.content, tvb(0, captured)) end
    return length, text
end

-- Bytes that are not dissected, and why.
local function show_rest(tvb, tree, note, reason)
    local item = tree:add(proto, tvb())
    item:append_text(", " .. reason)
    if note then item:add_proto_expert_info(note, reason) end
    return item, reason
end

----
-- Dissecting.
----

-- One message at this offset of the tvb. Returns how many bytes it takes and what to say of it; or nil, and how many
-- bytes are wanting for a part of it, what that part is, and the header if that is whole; or nil, and a fault.
local function dissect_message(tvb, offset, pinfo, tree, call)
    local stream = call.stream
    local at = call.at + offset
    local have = tvb:len() - offset
    if have < 2 then return nil, { wanting = 2 - have } end
    local length = tvb(offset, 2):uint()
    local found, fault
    if length == 0 then
        fault = { kind = "empty-header", at = -2 }
    elseif have < 2 + length then
        -- Another protocol may never bring so many bytes.
        local first = have > 2 and tvb:raw(offset + 2, have - 2):find("[^ \t\n\r]")
        local byte = first and tvb:raw(offset + 1 + first, 1)
        if not byte or byte == "{" or byte >= "\128" then return nil, { wanting = 2 + length - have } end
        length = have - 2
        fault = { kind = "not-an-object", at = first - 1 }
    else
        found, fault = read_header(tvb:raw(offset + 2, length))
    end

    local content = offset + 2 + length
    -- As a floating-point number: of integers Lua 5.4 would take the sum modulo 2^64.
    local size = found and tonumber(found["content-length"]) + 0.0 or 0
    local wanting = content + size - tvb:reported_len()
    if wanting > 0 and 2 + length + size <= proto.prefs.max_reassembled and pinfo.can_desegment ~= 0 then
        return nil, { wanting = wanting, header = found }
    end
    local shown = found and math.min(size, tvb:len() - content) or 0

    local item = tree:add(proto, tvb(offset, content - offset + shown))
    item:add(f.offset, UInt64(at - stream.base)):set_generated()
    item:add(f.header_length, tvb(offset, 2))
    if fault then
        fault.offset = at - stream.base + 2 + fault.at
        if length > 0 then item:add(f.header, tvb(offset + 2, length), printable(tvb:raw(offset + 2, length))) end
        return nil, fault, show_fault(item, fault)
    end
    local text = describe(found)
    item:append_text(", " .. text)
    local branch = item:add(f.header, tvb(offset + 2, length), printable(tvb:raw(offset + 2, length)))
    show_header(branch, found, function(from, upto) return tvb(offset + 1 + from, upto - from + 1) end)
    if shown > 0 then show_content(tvb(content, shown):tvb(), pinfo, item, found, shown == size) end

    if call.first then
        stream.next = at + 2 + length + size
        if wanting > 0 or shown < size then
            stream.long[#stream.long + 1] = {
                from = at + 2 + length,
                upto = stream.next,
                frame = pinfo.number,
                type = printable(found["content-type"]),
                length = found["content-length"],
                number = found.content_length,
            }
        end
    end
    return content + size - offset, text
end

-- The bytes of a tvb, from what is known about them. Returns what to say of each part.
local function dissect(tvb, pinfo, tree)
    local call = placed(tvb, pinfo)
    local stream = call.stream
    local texts, offset = {}, 0
    local function say(text) texts[#texts + 1] = text end

    if call.after then
        local item, text = show_rest(tvb, tree, nil, "behind a fault")
        item:add(f.error_in, call.after.frame):set_generated()
        say(text)
        return texts
    elseif call.repeated then
        say(select(2, show_rest(tvb, tree, info.repeated, "sent again")))
        return texts
    elseif call.lost then
        say(select(2, show_rest(tvb, tree, info.lost, "in the middle of a stream")))
        return texts
    elseif call.long then
        local length, text = show_long(tvb, tree, call)
        say(text)
        offset = length
    end

    while offset < tvb:len() do
        local taken, stop, text = dissect_message(tvb, offset, pinfo, tree, call)
        if taken then
            say(stop)
            offset = offset + taken
        elseif stop.kind then
            say("malformed: " .. text)
            if call.first then
                stop.frame = pinfo.number
                stream.fault = stop
            end
            return texts
        elseif pinfo.can_desegment ~= 0 then
            pinfo.desegment_offset = offset
            pinfo.desegment_len = stop.header and stop.wanting or DESEGMENT_ONE_MORE_SEGMENT
            if call.first then
                pinfo.desegment_len = ask(stream, call.at + offset, tvb:len() - offset, stop)
            end
            return texts
        else
            say(select(2, show_rest(tvb(offset):tvb(), tree, info.lost, "a header whose end is not at hand")))
            return texts
        end
    end
    return texts
end

function proto.dissector(tvb, pinfo, tree)
    local texts = dissect(tvb, pinfo, tree)
    if #texts > 0 then
        local text = table.concat(texts, "; ")
        -- What TCP has fenced off stays before it.
        if pinfo.private.jsonframe then text = "; " .. text end
        pinfo.private.jsonframe = "1"
        pinfo.cols.protocol = "jsonframe"
        pinfo.cols.info = text
    end
    return tvb:len()
end

proto:register_heuristic("tcp", function(tvb, pinfo, tree)
    if not proto.prefs.heuristic or not whole_header(tvb) then return false end
    pinfo.conversation = proto
    proto.dissector(tvb, pinfo, tree)
    return true
end)

----
-- The end of a stream. It may come without content, and then TCP asks nobody.
----

local ending = Proto("jsonframe_end", "End of a stream of jsonframe messages")

-- How the stream ends, if that is known by now: false if cleanly, or the fault.
local function judge_end(stream)
    local open = stream.open
    local upto = open and open.upto or stream.next
    if stream.fault or not upto or upto < stream.fin then return nil end
    if upto == stream.fin then
        -- A part that is yet to be put together may be asked to be longer.
        if open then return nil end
        return false
    end
    local fault = { kind = "truncated", offset = stream.fin - stream.base, header = open and open.header }
    local content = not open and stream.long[#stream.long]
    if content then
        -- A length may have more digits than Lua's numbers.
        fault.missing = content.number - UInt64(stream.fin - content.from)
    else
        fault.missing = UInt64(upto - stream.fin)
    end
    return fault
end

function ending.dissector(_, pinfo, tree)
    local stream
    if not pinfo.visited then
        stream = last(tcp_stream) and streams[stream_key(pinfo)]
    end
    if stream and not stream.ended then
        local fin, seq, payload = last(tcp_fin), last(tcp_seq), last(tcp_payload)
        if fin and fin.value and seq then stream.fin = position(stream, seq.value) + (payload and payload.len or 0) end
        local fault
        if stream.fin then fault = judge_end(stream) end
        stream.ended = fault ~= nil
        if fault then ends[pinfo.number] = fault end
    end
    local fault = ends[pinfo.number]
    if not fault then return end
    local item = tree:add(proto)
    local text = show_fault(item, fault)
    if fault.header then show_header(item, fault.header) end
    pinfo.cols.info:append(" [" .. text .. "]")
end

register_postdissector(ending)

----
-- Ports.
----

local tcp_ports = DissectorTable.get("tcp.port")
local registered

local function register_ports()
    if registered == proto.prefs.ports then return end
    if registered and registered ~= "" then tcp_ports:remove(registered, proto) end
    registered = proto.prefs.ports
    if registered ~= "" then tcp_ports:add(registered, proto) end
end

proto.prefs_changed = register_ports
tcp_ports:add_for_decode_as(proto)
register_ports()
