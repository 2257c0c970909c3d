// Every text of the page, in English and Korean. {placeholders} are filled in; "one|many" chooses by n.

export default {
	other: ['한국어', 'English'],

	CONNECTING: ['Connecting…', '연결 중…'],
	OPEN: ['Connected', '연결됨'],
	CLOSING: ['Closing…', '닫는 중…'],
	CLOSED: ['Not connected', '연결 안 됨'],
	lost: [
		'The connection is closed (code {code}). New messages are sent later.',
		'연결이 끊겼습니다(코드 {code}). 새 메시지는 나중에 보냅니다.',
	],
	retryIn: ['Reconnecting in {n} s', '{n}초 뒤 다시 연결'],
	token: ['Access token, if required', '접속 토큰(필요한 경우)'],
	retry: ['Reconnect now', '지금 연결'],

	rooms: ['Rooms', '대화방'],
	lobby: ['Lobby', '로비'],
	roomName: ['Room name', '방 이름'],
	enter: ['Enter the room', '방에 들어가기'],

	people: ['{n} person here|{n} people here', '{n}명 참여 중'],
	peopleButton: ['People and rooms', '참여자와 대화방'],
	you: ['you', '나'],
	writePrivately: ['Write to {name} privately', '{name} 님에게만 쓰기'],

	conversation: ['Conversation', '대화'],
	empty: ['No messages yet.', '아직 메시지가 없습니다.'],
	emptyHint: ['Open a second window to talk to yourself.', '창을 하나 더 열고 혼자 이야기해 보세요.'],
	dropped: ['Older messages are not shown', '더 오래된 메시지는 보이지 않습니다'],
	newer: ['↓ {n} new', '↓ 새 메시지 {n}개'],
	joined: ['{name} signed in', '{name} 님이 들어왔습니다'],
	renamed: ['{before} is now {name}', '{before} 님이 이름을 {name}(으)로 바꿨습니다'],
	left: ['{name} left', '{name} 님이 나갔습니다'],
	privately: ['to you only', '나에게만'],
	privateTo: ['to {name} only', '{name} 님에게만'],
	toAll: ['Write to everyone', '모두에게 쓰기'],
	missed: ['{n} message was lost|{n} messages were lost', '메시지 {n}개가 사라졌습니다'],
	maybeMissed: ['Some messages may be lost', '사라진 메시지가 있을 수 있습니다'],
	sending: ['Sending…', '보내는 중…'],
	waiting: ['Waiting for the connection', '연결을 기다리는 중'],

	yourName: ['Your name', '이름'],
	join: ['Join', '들어가기'],
	as: ['as', '이름'],
	change: ['Change your name', '이름 바꾸기'],
	messageHint: ['Write a message', '메시지를 쓰세요'],
	send: ['Send', '보내기'],

	nameTaken: ['“{asked}” is taken or not allowed: you are “{given}”', '“{asked}” 대신 “{given}”(으)로 들어왔습니다'],
	refused: ['Rejected: {about} ({reason})', '거절되었습니다: {about} ({reason})'],
	close: ['Close', '닫기'],

	sound: ['Sound for new messages', '새 메시지 소리'],
	notifications: ['Notifications', '알림'],

	inspector: ['Under the hood', '내부 보기'],
	connection: ['Connection', '연결'],
	connectionText: [
		'A WebSocket (HTML5) is one TCP connection that stays open. Both sides, browsers or other programs, can send at any time (full-duplex).',
		'WebSocket(HTML5)은 계속 열려 있는 TCP 연결 하나입니다. 브라우저든 다른 프로그램이든 양쪽이 언제든지 보낼 수 있습니다(전이중).',
	],
	counted: ['messages: {n}, bytes: {bytes}', '메시지 {n}개, {bytes}바이트'],
	urlText: [
		'wss:// is encrypted ws://, as https:// is encrypted http://. Default ports: 80, or 443 for wss://. The page and the chat share a port, so a firewall that passes one passes both.',
		'wss://는 https://처럼 암호화됩니다. 기본 포트는 80번, wss는 443번. 페이지와 채팅이 같은 포트라 방화벽도 함께 통과합니다.',
	],
	oldWay: [
		'Without WebSocket, each change loads a new page: {n} requests, {bytes} bytes for this one. Here, a change is one message.',
		'WebSocket 없이는 바뀔 때마다 페이지를 새로 받습니다(이 페이지: 요청 {n}번, {bytes}바이트). 여기서는 메시지 하나면 됩니다.',
	],
	readOn: ['Read on:', '더 읽기:'],
	inConsole: ['The same in the browser’s console (F12):', '브라우저 콘솔(F12)에서 직접:'],
	copy: ['Copy', '복사'],
	handshake: ['Handshake', '핸드셰이크'],
	handshakeText: [
		'An HTTP/1.1 request with an Upgrade header, which the server must support. The server makes a token from the browser’s random key and returns it.',
		'Upgrade 헤더가 있는 HTTP/1.1 요청이며, 서버도 지원해야 합니다. 서버는 브라우저의 랜덤 키로 토큰을 만들어 돌려줍니다.',
	],
	headerBytes: [
		'{n} bytes of headers, once. HTTP sends them with each message; a frame has 2 to 14.',
		'헤더 {n}바이트는 한 번뿐입니다. HTTP는 메시지마다 보내고, 프레임 헤더는 2~14바이트입니다.',
	],
	events: ['Events', '이벤트'],
	eventsText: [
		'Then the connection carries frames: a few bytes of header and the payload. Open a line for details.',
		'그 뒤로는 프레임(몇 바이트의 헤더와 내용)이 오갑니다. 줄을 열어 보세요.',
	],
	filter: ['Filter', '거르기'],
	tryIt: ['Try it', '해 보기'],
	connectText: [
		'new WebSocket(url, protocols): the URL is required, subprotocols are optional. One URL can serve several.',
		'new WebSocket(url, protocols): url은 필수, 서브 프로토콜은 선택입니다. URL 하나로 여러 개도 됩니다.',
	],
	connect: ['Connect', '연결'],
	blockedText: [
		'Browsers block some ports. They once threw SECURITY_ERR; now they report error, then close (1006).',
		'브라우저는 일부 포트를 막습니다. 예전에는 SECURITY_ERR 예외, 지금은 error 다음에 close(1006)입니다.',
	],
	blocked: ['Try port 25', '25번 포트로'],
	mixed: [
		'Pages from https:// cannot connect to ws:// (mixed content). Use wss://.',
		'https:// 페이지에서는 ws://에 연결할 수 없습니다(혼합 콘텐츠). wss://를 쓰세요.',
	],
	actsOn: ['These buttons act on connection #{number}:', '아래 단추는 연결 #{number}에 작용합니다:'],
	binary: ['Binary', '바이너리'],
	drop: ['Cut the connection', '연결 끊기'],
};
