// words.js: every word of the page, in English and in Korean. {holes} are filled; "one|many" chooses by the number n.

export default {
	other: ['한국어', 'English'],

	CONNECTING: ['Connecting…', '연결 중…'],
	OPEN: ['Connected', '연결됨'],
	CLOSING: ['Closing…', '닫는 중…'],
	CLOSED: ['Not connected', '연결 안 됨'],
	lost: [
		'The connection ended (code {code}). What you write is kept and sent later.',
		'연결이 끝났습니다(코드 {code}). 쓰신 글은 두었다가 보냅니다.',
	],
	tryingIn: ['Trying again in {n} s', '{n}초 뒤 다시 연결'],
	token: ['Access token, if it asks for one', '접속 토큰(필요한 경우)'],
	again: ['Try now', '지금 연결'],

	people: ['{n} person here|{n} people here', '{n}명 참여 중'],
	peopleButton: ['People', '참여자'],
	you: ['you', '나'],
	writePrivately: ['Write to {name} privately', '{name} 님에게만 쓰기'],

	conversation: ['Conversation', '대화'],
	empty: ['Nothing has been said yet.', '아직 대화가 없습니다.'],
	emptyHint: [
		'Open this page in a second window, and talk to yourself.',
		'이 페이지를 창 하나에 더 열고 혼자 이야기해 보세요.',
	],
	dropped: ['{n} older messages are no longer shown.', '오래된 메시지 {n}개는 더 보여 주지 않습니다.'],
	newer: ['↓ {n} new', '↓ 새 메시지 {n}개'],
	showAll: ['Show all {n} characters', '{n}자 모두 보기'],
	joined: ['{name} signed in', '{name} 님이 들어왔습니다'],
	renamed: ['{before} is now {name}', '{before} 님이 이름을 {name}(으)로 바꿨습니다'],
	left: ['{name} left', '{name} 님이 나갔습니다'],
	privately: ['to you only', '나에게만'],
	privateTo: ['to {name} only', '{name} 님에게만'],
	toAll: ['Write to everybody again', '다시 모두에게 쓰기'],
	sending: ['Sending…', '보내는 중…'],
	waits: ['Waits for the connection', '연결을 기다리는 중'],

	nameAsk: ['What shall the others call you?', '어떤 이름으로 부를까요?'],
	join: ['Join', '들어가기'],
	as: ['as', '이름'],
	change: ['Change your name', '이름 바꾸기'],
	messageHint: ['Write a message', '메시지를 쓰세요'],
	send: ['Send', '보내기'],

	rejected: [
		'“{asked}” is taken or cannot be a name here. You are “{given}”.',
		'“{asked}”은(는) 이미 있거나 쓸 수 없는 이름입니다. “{given}”(으)로 들어왔습니다.',
	],
	refused: ['The server refused that: {about} ({reason})', '서버가 거절했습니다: {about} ({reason})'],
	tooLong: ['That is too long for one message.', '메시지 하나로는 너무 깁니다.'],
	close: ['Close', '닫기'],

	sound: ['Sound for new messages', '새 메시지 소리'],
	notes: ['Notifications', '알림'],

	hood: ['Under the hood', '속 들여다보기'],
	life: ['Connection', '연결'],
	lifeIs: [
		'A WebSocket (an API of HTML5) is one TCP connection that stays open: a full-duplex stream on which both sides speak whenever they like, be they browsers or other programs.',
		'WebSocket(HTML5의 API)은 계속 열려 있는 TCP 연결 하나, 양쪽이 언제든 말하는 완전 양방향 스트림입니다. 브라우저가 아닌 프로그램도 씁니다.',
	],
	sum: ['messages: {n}, bytes: {bytes}', '메시지 {n}개, {bytes}바이트'],
	urlIs: [
		'ws:// is to http:// what wss:// (encrypted) is to https://. Default ports: 80; wss: 443. Page and chat share a port: firewalls let both through or neither.',
		'http://에 https://가 있듯 ws://에는 암호화된 wss://가 있습니다. 포트가 없으면 80번, wss는 443번입니다. 페이지와 같은 포트라 방화벽도 지나갑니다.',
	],
	oldWay: [
		'The old way, each change clears the page and fetches it anew: for this one, {n} requests, {bytes} bytes. Here, a change is one message.',
		'예전에는 바뀔 때마다 화면을 지우고 페이지를 새로 받았습니다(이 페이지는 요청 {n}번, {bytes}바이트). 여기서는 메시지 하나면 됩니다.',
	],
	inConsole: ['The same in the browser’s console (F12):', '브라우저 콘솔(F12)에서 직접:'],
	copy: ['Copy', '복사'],
	shaking: ['Handshake', '핸드셰이크'],
	shakeIs: [
		'It begins as an HTTP/1.1 request with an Upgrade header, which the server must support. The browser sends a random key; the server makes a token from it and sends that back.',
		'Upgrade 헤더가 있는 HTTP/1.1 요청으로 시작하며, 서버도 WebSocket을 지원해야 합니다. 브라우저가 보낸 랜덤 키로 서버는 토큰을 만들어 돌려줍니다.',
	],
	events: ['Events', '이벤트'],
	eventsAre: [
		'After the handshake all is frames on that one connection: a few bytes of header, then the payload. Open a line to see.',
		'그 뒤로는 연결 하나로 프레임(몇 바이트의 헤더와 내용)만 오갑니다. 줄을 열어 보세요.',
	],
	filter: ['Filter', '거르기'],
	trying: ['Try it', '해 보기'],
	connectIs: [
		'new WebSocket(url, protocols): the URL is required, the subprotocols are not. One server can speak several at one URL.',
		'new WebSocket(url, protocols): url은 필수, 서브 프로토콜은 선택입니다. URL 하나로 여러 개를 쓸 수 있습니다.',
	],
	connect: ['Connect', '연결'],
	blockedIs: [
		'Browsers block some ports: once by throwing SECURITY_ERR, today by an error event, then close with 1006.',
		'브라우저가 막는 포트가 있습니다. 예전에는 SECURITY_ERR 예외였고, 지금은 error 다음에 close(1006)가 옵니다.',
	],
	blocked: ['Try port 25', '25번 포트로'],
	actsOnOwn: ['These act on your own connection, #{number}:', '아래 단추는 내 연결 #{number}에 작용합니다:'],
	actsOnChat: ['These act on the chat’s connection, #{number}:', '아래 단추는 채팅의 연결 #{number}에 작용합니다:'],
	binary: ['Binary', '바이너리'],
	drop: ['Pull the plug', '선 뽑기'],
};
