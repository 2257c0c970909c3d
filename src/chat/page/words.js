// words.js: every word of the page, in English and Korean. {holes} are filled; "one|many" chooses by n.

export default {
	other: ['한국어', 'English'],

	CONNECTING: ['Connecting…', '연결 중…'],
	OPEN: ['Connected', '연결됨'],
	CLOSING: ['Closing…', '닫는 중…'],
	CLOSED: ['Not connected', '연결 안 됨'],
	lost: [
		'The connection ended (code {code}). What you write is sent later.',
		'연결이 끝났습니다(코드 {code}). 쓰신 글은 나중에 보냅니다.',
	],
	tryingIn: ['Trying again in {n} s', '{n}초 뒤 다시 연결'],
	token: ['Access token, if it asks for one', '접속 토큰(필요한 경우)'],
	again: ['Try now', '지금 연결'],

	rooms: ['Rooms', '대화방'],
	lobby: ['Lobby', '로비'],
	roomName: ['Room name', '방 이름'],
	enter: ['Enter the room', '방에 들어가기'],

	people: ['{n} person here|{n} people here', '{n}명 참여 중'],
	peopleButton: ['People and rooms', '참여자와 대화방'],
	you: ['you', '나'],
	writePrivately: ['Write to {name} privately', '{name} 님에게만 쓰기'],

	conversation: ['Conversation', '대화'],
	empty: ['Nothing has been said yet.', '아직 대화가 없습니다.'],
	emptyHint: ['Open a second window, and talk to yourself.', '창을 하나 더 열고 혼자 이야기해 보세요.'],
	dropped: ['Older messages are not shown', '더 오래된 메시지는 보이지 않습니다'],
	newer: ['↓ {n} new', '↓ 새 메시지 {n}개'],
	joined: ['{name} signed in', '{name} 님이 들어왔습니다'],
	renamed: ['{before} is now {name}', '{before} 님이 이름을 {name}(으)로 바꿨습니다'],
	left: ['{name} left', '{name} 님이 나갔습니다'],
	privately: ['to you only', '나에게만'],
	privateTo: ['to {name} only', '{name} 님에게만'],
	toAll: ['Write to everybody again', '다시 모두에게 쓰기'],
	gone: ['{n} message is gone|{n} messages are gone', '메시지 {n}개가 사라졌습니다'],
	gap: ['Some messages may be gone', '사라진 메시지가 있을 수 있습니다'],
	sending: ['Sending…', '보내는 중…'],
	waits: ['Waits for the connection', '연결을 기다리는 중'],

	nameAsk: ['What shall the others call you?', '어떤 이름으로 부를까요?'],
	join: ['Join', '들어가기'],
	as: ['as', '이름'],
	change: ['Change your name', '이름 바꾸기'],
	messageHint: ['Write a message', '메시지를 쓰세요'],
	send: ['Send', '보내기'],

	rejected: ['“{asked}” is taken or not allowed: you are “{given}”', '“{asked}” 대신 “{given}”(으)로 들어왔습니다'],
	refused: ['Refused: {about} ({reason})', '거절되었습니다: {about} ({reason})'],
	close: ['Close', '닫기'],

	sound: ['Sound for new messages', '새 메시지 소리'],
	notes: ['Notifications', '알림'],

	hood: ['Under the hood', '속 들여다보기'],
	life: ['Connection', '연결'],
	lifeIs: [
		'A WebSocket (HTML5) is one TCP connection that stays open, full-duplex: both sides, browsers or any programs, speak whenever they like.',
		'WebSocket(HTML5)은 계속 열려 있는 TCP 연결 하나로, 브라우저든 다른 프로그램이든 양쪽이 언제나 말할 수 있습니다(완전 양방향).',
	],
	sum: ['messages: {n}, bytes: {bytes}', '메시지 {n}개, {bytes}바이트'],
	urlIs: [
		'wss:// is to ws:// what https:// is to http://: encrypted. Default ports: 80; wss: 443. Page and chat share one: a firewall that lets the page through lets the chat.',
		'http://에 https://가 있듯 ws://에는 암호화된 wss://가 있습니다. 기본 포트는 80번, wss는 443번. 페이지와 같은 포트라 방화벽도 지나갑니다.',
	],
	oldWay: [
		'The old way clears the page and fetches it anew: {n} requests, {bytes} bytes for this one. Here, a change is one message.',
		'예전에는 화면을 지우고 페이지를 새로 받았습니다(이 페이지는 요청 {n}번, {bytes}바이트). 여기서는 메시지 하나면 됩니다.',
	],
	readOn: ['Read on:', '더 읽기:'],
	inConsole: ['The same in the browser’s console (F12):', '브라우저 콘솔(F12)에서 직접:'],
	copy: ['Copy', '복사'],
	shaking: ['Handshake', '핸드셰이크'],
	shakeIs: [
		'An HTTP/1.1 request with an Upgrade header, which the server must support. From the browser’s random key it makes a token, and sends that back.',
		'Upgrade 헤더가 있는 HTTP/1.1 요청이며, 서버도 지원해야 합니다. 브라우저의 랜덤 키로 서버가 토큰을 만들어 돌려줍니다.',
	],
	cost: [
		'{n} bytes of headers, once. HTTP sends them with each message; a frame has 2 to 14.',
		'헤더 {n}바이트는 한 번뿐입니다. HTTP는 메시지마다 보내고, 프레임은 2~14바이트입니다.',
	],
	events: ['Events', '이벤트'],
	eventsAre: [
		'Then all is frames on that one connection: a few bytes of header, and the payload. Open a line to see.',
		'그 뒤로는 그 연결로 프레임(몇 바이트의 헤더와 내용)만 오갑니다. 줄을 열어 보세요.',
	],
	filter: ['Filter', '거르기'],
	trying: ['Try it', '해 보기'],
	connectIs: [
		'new WebSocket(url, protocols): the URL is required, subprotocols are not. One URL can serve several.',
		'new WebSocket(url, protocols): url은 필수, 서브 프로토콜은 선택입니다. URL 하나로 여러 개도 됩니다.',
	],
	connect: ['Connect', '연결'],
	blockedIs: [
		'Browsers block some ports: once they threw SECURITY_ERR, now come error, then close (1006).',
		'브라우저가 막는 포트가 있습니다. 예전에는 SECURITY_ERR 예외, 지금은 error 다음에 close(1006)입니다.',
	],
	blocked: ['Try port 25', '25번 포트로'],
	mixed: [
		'On a page from https://, browsers refuse ws:// (mixed content): use wss://.',
		'https:// 페이지에서는 브라우저가 ws://를 막습니다(혼합 콘텐츠). wss://를 쓰세요.',
	],
	actsOn: ['These act on connection #{number}:', '아래 단추는 연결 #{number}에 작용합니다:'],
	binary: ['Binary', '바이너리'],
	drop: ['Pull the plug', '선 뽑기'],
};
