// The twelve guided steps: title, question, three choices, what one sees, and where the lesson of docs/SEED.md is dated.

export const lessonTexts = {
	step1title: ['1. The constructor', '1. 생성자'],
	step1ask: ['What is readyState right after new WebSocket()?', 'new WebSocket() 바로 다음의 readyState는?'],
	step1a: ['0: CONNECTING', '0: CONNECTING'],
	step1b: ['1: OPEN', '1: OPEN'],
	step1c: ['There is none yet', '아직 없다'],
	step1see: [
		'The constructor returns at once, and the browser connects in the background. Here the server answered late, so the lower band of states was yellow (CONNECTING) for 1.5 seconds.',
		'생성자는 객체를 바로 돌려주고, 연결은 뒤에서 진행됩니다. 지금은 서버가 일부러 늦게 답해서, 아래쪽 상태 띠가 1.5초 동안 노란색(CONNECTING)이었습니다.',
	],
	step1seed: [
		'The URL is required, the list of subprotocols is not. Some texts call the first state CONNECT: its name is CONNECTING.',
		'URL은 필수이고 하위 프로토콜은 선택입니다. 첫 상태를 CONNECT라고 쓴 글도 있지만 이름은 CONNECTING입니다.',
	],

	step2title: ['2. The handshake', '2. 핸드셰이크'],
	step2ask: ['What does the browser send first?', '브라우저가 가장 먼저 보내는 것은?'],
	step2a: ['A frame with the URL', 'URL이 든 프레임'],
	step2b: ['GET in HTTP/1.1 with Upgrade: websocket', 'Upgrade: websocket이 있는 HTTP/1.1 GET'],
	step2c: ['POST with JSON', 'JSON이 든 POST'],
	step2see: [
		'The open line below has the request as the server received it. It is a normal GET, so firewalls and proxies that pass pages pass it. After the response 101, the same TCP connection carries frames: see step 5.',
		'아래의 펼쳐진 줄에 서버가 받은 요청이 그대로 있습니다. 보통의 GET이므로 웹 페이지를 통과시키는 방화벽과 프록시는 이것도 통과시킵니다. 101 응답 뒤에는 같은 TCP 연결로 프레임이 오갑니다(5단계).',
	],
	step2seed: [
		'In HTTP/2, many streams share a connection. There the request is CONNECT with :protocol (RFC 8441), without the key of step 3. WebSocket itself multiplexes nothing: one WebSocket, one connection.',
		'HTTP/2에서는 여러 스트림이 연결 하나를 함께 쓰므로, 3단계의 키 없이 :protocol이 있는 CONNECT를 씁니다(RFC 8441). WebSocket 자체는 다중화하지 않습니다. WebSocket 하나가 연결 하나입니다.',
	],

	step3title: ['3. The key', '3. 키'],
	step3ask: ['From what does the server make Sec-WebSocket-Accept, a field of its response?', '서버는 응답의 Sec-WebSocket-Accept를 무엇으로 만들까요?'],
	step3a: ['From a password', '비밀번호'],
	step3b: ['From the user’s cookie', '사용자의 쿠키'],
	step3c: ['From the key and a fixed text', '키와 정해진 문자열'],
	step3see: [
		'The server appends the fixed text (a GUID) to the key of the request, then takes SHA-1 and base64. The open line below has each step with your own key. If the result were wrong, the browser would end the connection.',
		'서버는 요청의 키 뒤에 정해진 문자열(GUID)을 붙이고 SHA-1, base64를 차례로 적용합니다. 아래의 펼쳐진 줄에 내 키로 계산한 과정이 있습니다. 결과가 다르면 브라우저가 연결을 끊습니다.',
	],
	step3seed: [
		'The key does not authenticate anyone, because everyone can compute this. The result proves only that the server understands WebSocket, and that no cache answered.',
		'이 값은 누구나 계산할 수 있으므로 키는 인증 수단이 아닙니다. 서버가 WebSocket을 알고, 캐시가 답한 것이 아님을 증명할 뿐입니다.',
	],

	step4title: ['4. open', '4. open'],
	step4ask: ['When does onopen run?', 'onopen은 언제 실행될까요?'],
	step4a: ['At once after new WebSocket()', 'new WebSocket() 바로 다음'],
	step4b: ['When the 101 response has arrived', '101 응답이 왔을 때'],
	step4c: ['With the first message', '첫 메시지가 왔을 때'],
	step4see: [
		'The connection was CONNECTING for two seconds, because the server waited with its 101. Then came onopen, and readyState was 1.',
		'서버가 101을 늦게 보내서 2초 동안 CONNECTING이었습니다. 그다음 onopen이 실행되고 readyState가 1이 되었습니다.',
	],
	step4seed: [
		'A common sample calls send() right after the constructor. That throws InvalidStateError: “Try it” has a button for it. Send in onopen.',
		'생성자 바로 다음에 send()를 부르는 예제가 흔하지만 InvalidStateError가 납니다. “해 보기”에 이것을 시험하는 버튼이 있습니다. onopen 안에서 보내세요.',
	],

	step5title: ['5. send()', '5. send()'],
	step5ask: ['“hi” has two bytes. How many go over the wire?', '“hi”는 2바이트입니다. 회선으로는 몇 바이트가 나갈까요?'],
	step5a: ['2', '2'],
	step5b: ['8', '8'],
	step5c: ['About 500, as with HTTP', 'HTTP처럼 약 500'],
	step5see: [
		'2 bytes of header, 4 of masking key, 2 of payload (the text). The browser XORs each byte of the payload with a byte of the key. In the open line below, “Next byte” undoes it byte by byte.',
		'헤더 2바이트, 마스킹 키 4바이트, 페이로드(글자) 2바이트입니다. 브라우저는 페이로드의 바이트마다 키의 바이트와 XOR합니다. 아래의 펼쳐진 줄에서 “다음 바이트”로 한 바이트씩 되돌려 보세요.',
	],
	step5seed: [
		'JavaScript cannot see the key: the server reported to this page the key that it received. Its answer to “hi” is an error, because it wants JSON (step 7).',
		'JavaScript는 키를 볼 수 없어서, 서버가 받은 키를 이 페이지에 알려 주었습니다. 이 서버는 JSON을 기대하므로 “hi”에는 오류로 답합니다(7단계).',
	],

	step6title: ['6. message', '6. message'],
	step6ask: ['Is the server’s answer masked as well?', '서버의 답에도 마스크를 씌울까요?'],
	step6a: ['Yes, with the same key', '같은 키로 씌운다'],
	step6b: ['Yes, with a new key', '새 키로 씌운다'],
	step6c: ['No', '씌우지 않는다'],
	step6see: [
		'The answer {"type":"pong"} has 17 bytes: 2 of header and 15 of payload. MASK is 0, and there is no key. onmessage runs once for each whole message, however many frames it had.',
		'답 {"type":"pong"}은 헤더 2바이트와 페이로드 15바이트로 모두 17바이트입니다. MASK는 0이고 키는 없습니다. 프레임이 몇 개든 onmessage는 메시지마다 한 번만 실행됩니다.',
	],
	step6seed: [
		'The mask hides nothing. It keeps a page from writing bytes of its choice that an old proxy takes for HTTP (RFC 6455 10.3).',
		'마스크는 아무것도 숨기지 않습니다. 페이지가 마음대로 고른 바이트를 오래된 프록시가 HTTP로 잘못 읽는 일을 막습니다(RFC 6455 10.3).',
	],

	step7title: ['7. JSON', '7. JSON'],
	step7ask: ['What is typeof event.data of the answer?', '답이 왔을 때 typeof event.data는?'],
	step7a: ['string', 'string'],
	step7b: ['object', 'object'],
	step7c: ['undefined', 'undefined'],
	step7see: [
		'A string. JSON.parse() makes an object of it, whose field type says what kind of message it is. Here it is an error, because this connection has no name yet.',
		'문자열입니다. JSON.parse()로 객체를 만들고 type 필드로 메시지의 종류를 구별합니다. 이 연결은 아직 이름이 없어서 error가 왔습니다.',
	],
	step7seed: [
		'MDN’s sample writes names and texts into the page as HTML. Never do that: a message could be a script. Use textContent.',
		'MDN 예제는 이름과 글을 HTML로 페이지에 넣습니다. 메시지가 스크립트일 수 있으니 따라 하지 말고 textContent를 쓰세요.',
	],

	step8title: ['8. Subprotocols', '8. 하위 프로토콜'],
	step8ask: ['A subprotocol is the language of the messages. The page offers two, and the server knows both. What is ws.protocol?', '하위 프로토콜은 메시지의 언어입니다. 페이지가 둘을 제안했고, 서버는 둘 다 지원합니다. ws.protocol은?'],
	step8a: ['Both', '둘 다'],
	step8b: ['text, which was offered first', '먼저 적은 text'],
	step8c: ['chinwag.v1, which can do more', '기능이 많은 chinwag.v1'],
	step8see: [
		'The server picks one, here the first that it knows, and names it in its response 101. So one address can serve several kinds of clients.',
		'서버가 하나를 골라(여기서는 지원하는 것 중 첫째) 101 응답에 적습니다. 그래서 주소 하나로 여러 종류의 클라이언트를 받을 수 있습니다.',
	],
	step8seed: [
		'If the server knows none, Chrome ends the connection with 1006, and Firefox keeps it without a subprotocol: “Try it” has a button for it.',
		'서버가 지원하는 것이 없으면 Chrome은 연결을 1006으로 끝내고, Firefox는 하위 프로토콜 없이 이어 갑니다. “해 보기”에 이것을 시험하는 버튼이 있습니다.',
	],

	step9title: ['9. The four states', '9. 네 가지 상태'],
	step9ask: ['What follows OPEN after close()?', 'close()를 부르면 OPEN 다음은?'],
	step9a: ['CLOSING, then CLOSED', 'CLOSING, 그다음 CLOSED'],
	step9b: ['CLOSED at once', '바로 CLOSED'],
	step9c: ['CONNECTING again', '다시 CONNECTING'],
	step9see: [
		'CLOSING lasted until the server’s Close frame came, here in slow motion. The lower band has all four states and how long each lasted. The widths are not proportional to the times.',
		'서버의 Close 프레임이 올 때까지 CLOSING이었습니다(여기서는 일부러 천천히 보냈습니다). 아래쪽 띠에 네 상태와 각 상태가 이어진 시간이 있습니다. 너비는 시간에 비례하지 않습니다.',
	],
	step9seed: [
		'A closed WebSocket cannot be opened again: make a new one. When the chat’s connection is lost, this page makes one after a second, then after longer waits.',
		'닫힌 WebSocket은 다시 열 수 없으니 새로 만드세요. 채팅 연결이 끊기면 이 페이지는 먼저 1초 뒤에, 그다음에는 더 오래 기다렸다가 새로 만듭니다.',
	],

	step10title: ['10. close', '10. close'],
	step10ask: ['Which code does onclose get?', 'onclose가 받는 code는?'],
	step10a: ['1000, as always', '언제나 1000'],
	step10b: ['1006', '1006'],
	step10c: ['4000', '4000'],
	step10see: [
		'The Close frame had your code in two bytes, then the reason. The server answered with a Close frame of the same code. Both sides have sent one, so wasClean is true.',
		'Close 프레임에는 내 코드가 2바이트로 들어 있었고, 그 뒤에 이유가 있었습니다. 서버도 같은 코드의 Close 프레임으로 답했습니다. 양쪽이 모두 보냈으므로 wasClean은 true입니다.',
	],
	step10seed: [
		'Scripts may use 1000, and 3000 to 4999. Other codes throw InvalidAccessError. 1005, 1006 and 1015 are never sent: browsers report them.',
		'스크립트는 1000과 3000~4999만 쓸 수 있고, 다른 코드는 InvalidAccessError가 납니다. 1005, 1006, 1015는 실제로 보내지 않으며, 브라우저가 알려 주기만 하는 코드입니다.',
	],

	step11title: ['11. Blocked ports', '11. 막힌 포트'],
	step11ask: ['Browsers block port 25 (mail). What happens?', '브라우저는 25번(메일) 포트를 막습니다. 어떻게 될까요?'],
	step11a: ['The constructor throws SECURITY_ERR', '생성자가 SECURITY_ERR를 던진다'],
	step11b: ['onerror, then onclose with 1006', 'onerror, 그다음 코드 1006의 onclose'],
	step11c: ['It connects', '연결된다'],
	step11see: [
		'Nothing went over the wire, not even the GET that the line new WebSocket() names. The events do not say why, but the console (F12) does.',
		'회선으로는 아무것도 나가지 않았습니다. new WebSocket() 줄에 적힌 GET조차 나가지 않았습니다. 이유는 이벤트가 아니라 콘솔(F12)에 나옵니다.',
	],
	step11seed: [
		'SECURITY_ERR is the old way. Today only a ws:// address on a page from https:// throws, in some browsers: SecurityError.',
		'SECURITY_ERR는 옛 방식입니다. 요즘은 https:// 페이지에서 ws://를 쓸 때만 일부 브라우저가 SecurityError를 던집니다.',
	],

	step12title: ['12. wss://', '12. wss://'],
	step12ask: ['Which port must a firewall let through?', '방화벽은 어떤 포트를 통과시켜야 할까요?'],
	step12a: ['Always port 80', '언제나 80번'],
	step12b: ['The page’s port; by default 443 for wss://', '페이지와 같은 포트. wss://의 기본은 443번'],
	step12c: ['A port of its own for WebSocket', 'WebSocket 전용 포트'],
	step12see: [
		'The URL names the port, usually the page’s own. Here the other scheme was tried on this port, and failed: a port speaks either plain text or TLS, which encrypts. Pages from https:// need wss://.',
		'포트는 URL이 정하고, 보통 페이지와 같습니다. 여기서는 그 포트에 다른 스킴으로 연결해서 실패했습니다. 포트 하나는 평문과 TLS(암호화) 중 하나만 씁니다. https:// 페이지에는 wss://가 필요합니다.',
	],
	step12seed: [
		'Port 80 is not needed. wss:// is ws:// within TLS: the same handshake and frames, but proxies cannot read or break them.',
		'80번 포트는 필요 없습니다. wss://는 TLS 안의 ws://입니다. 핸드셰이크와 프레임은 같지만, 프록시가 읽거나 망가뜨릴 수 없습니다.',
	],
};
